"""How many photos are done is told while work goes on, and never breaks it."""

import threading
import time

import pytest

from fruits_kedro.spark import progress
from fruits_kedro.spark.progress import ProgressBar, photos_of_tasks_done


@pytest.fixture
def at_once(monkeypatch):
    """It looks and tells often."""
    monkeypatch.setattr(progress, "_POLL_S", 0.01)
    monkeypatch.setattr(progress, "_LOG_EVERY_S", 0)


def test_the_photos_that_are_done_are_told(at_once, caplog):
    caplog.set_level("INFO", logger="fruits_kedro")
    noted, told = [], threading.Event()

    def note(figures):
        noted.append(figures)
        told.set()

    bar = ProgressBar("extracting features", 400, lambda: 200, note)
    bar.start()
    assert told.wait(30)
    bar.stop()
    first = noted[0]
    assert (first["what"], first["done"], first["total"]) == ("extracting features", 200, 400)
    assert first["images_per_s"] > 0 and first["written_at"].endswith("+00:00")
    assert "extracting features: 200 of 400 (50 %)" in caplog.text


@pytest.mark.parametrize("failing", ["done", "note"])
def test_a_failure_is_not_the_runs(at_once, failing):
    asked, enough = [], threading.Event()

    def fail(*_):
        asked.append(failing)
        if len(asked) > 1:  # it goes on after the first one
            enough.set()
        raise OSError("the bucket does not answer")

    calls = {"done": lambda: 1, "note": lambda figures: None} | {failing: fail}
    bar = ProgressBar("extracting features", 400, calls["done"], calls["note"])
    bar.start()
    assert enough.wait(30)
    bar.stop()


def test_tasks_are_counted_while_the_others_are_at_work(spark, tmp_path):
    """Of four tasks, one waits for a file."""

    def rows(batches):
        for batch in batches:
            while batch.column("id")[0].as_py() == 0 and not (tmp_path / "go on").exists():
                time.sleep(0.01)
            yield batch

    query = threading.Thread(
        target=lambda: spark.range(4, numPartitions=4).mapInArrow(rows, "id long").count()
    )
    query.start()
    while photos_of_tasks_done(400) != 300:
        assert query.is_alive()
        time.sleep(0.01)
    (tmp_path / "go on").touch()
    query.join()
    while photos_of_tasks_done(400) != 0:  # Spark notes the end of a stage a moment later
        time.sleep(0.01)
