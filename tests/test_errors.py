"""Errors in a few words."""

import pytest
from kedro.io import DatasetError

from fruits_kedro.errors import FruitsError, ImageError, need, summarize

JVM = """An error occurred while calling o99.save.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 failed 4 times
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.lang.RuntimeException: outer
\t... 17 more
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""


def test_a_jvm_trace_shrinks_to_its_head_and_its_deepest_cause():
    assert summarize(RuntimeError(JVM)).splitlines() == [
        "An error occurred while calling o99.save.",
        "IOException: No space left on device",
    ]


def test_a_workers_trace_shrinks_to_its_last_error():
    trace = (
        "An error occurred while calling o7.save.\n: org.apache.spark.SparkException: Job aborted\n"
        "\tat org.apache.spark.A.b(A.scala:1)\n"
        "Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent\n"
        '  File "x.py", line 1, in read\n'
        "fruits_kedro.errors.FruitsError: s3://b/a.jpg could not be read\n\tat A.b(A.scala:2)\n"
    )
    assert summarize(RuntimeError(trace)).splitlines() == [
        "An error occurred while calling o7.save.",
        "FruitsError: s3://b/a.jpg could not be read",
    ]


def test_the_projects_own_messages_stay_whole():
    text = "\n".join(f"line {i}" for i in range(30))
    assert summarize(FruitsError(text)) == text


def test_what_kedro_says_of_a_dataset_is_left_out():
    said = "scores: Failed while saving data to dataset a.B(filepath='/x (1)/y.csv').\n"
    assert summarize(ValueError(said + "no room")) == "scores: no room"
    error = DatasetError(said)
    error.__cause__ = FruitsError("Spark has gone.\nRun again.")
    assert summarize(error) == "Spark has gone.\nRun again."
    error.__cause__ = OSError("no room")
    assert summarize(error) == "scores: no room"


def test_an_error_without_words_has_its_type():
    assert summarize(ValueError()) == "ValueError"


def test_an_image_error_is_one_line():
    error = ImageError("decode", "damaged", "two\nlines " + "x" * 400)
    assert str(error).startswith("decode: damaged: two lines xxx")
    assert len(error.detail) == 300 and "\n" not in str(error)


def test_a_missing_extra_is_named(monkeypatch):
    error = DatasetError("Failed while saving data")
    error.__cause__ = ModuleNotFoundError("No module named 'xgboost.spark'", name="xgboost.spark")
    assert summarize(error).endswith("pip install 'fruits-kedro[classification]'")
    need("faiss", "xgboost")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FruitsError, match=r"needs botocore.*\n.*fruits-kedro\[s3\]"):
        need("botocore")
