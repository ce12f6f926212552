"""How many photos are done is told while a query runs, and never breaks it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fruits_kedro.spark import progress
from fruits_kedro.spark.progress import RowProgress


@pytest.fixture
def at_once(monkeypatch):
    """It looks and tells often."""
    monkeypatch.setattr(progress, "_POLL_S", 0.05)
    monkeypatch.setattr(progress, "_LOG_EVERY_S", 0)


def half_done(spark, go_on):
    """A query of 400 rows, of which the second half waits for a file."""

    def rows(batches):
        for batch in batches:
            while batch.column("id")[0].as_py() >= 200 and not go_on.exists():
                time.sleep(0.01)
            yield batch

    return spark.range(400, numPartitions=2).mapInArrow(rows, "id long").count()


def test_rows_are_told_while_the_others_are_at_work(spark, at_once, tmp_path, caplog):
    caplog.set_level("INFO", logger="fruits_kedro")
    noted = []
    told = RowProgress(spark, 400, "extracting features", noted.append)
    told.start()
    with ThreadPoolExecutor() as pool:
        query = pool.submit(half_done, spark, tmp_path / "go on")
        while not any(figures["done"] for figures in noted):
            assert not query.done()
            time.sleep(0.01)
        (tmp_path / "go on").touch()
        assert query.result() == 400
    told.stop()
    first = next(figures for figures in noted if figures["done"])
    assert (first["what"], first["done"], first["total"]) == ("extracting features", 200, 400)
    assert first["images_per_s"] > 0 and first["written_at"].endswith("+00:00")
    assert "extracting features: 200 of 400 (50 %)" in caplog.text


def test_a_note_that_cannot_be_written_breaks_nothing(spark, at_once, tmp_path):
    asked = []

    def note(figures):
        asked.append(figures)
        raise OSError("the bucket does not answer")

    told = RowProgress(spark, 400, "extracting features", note)
    told.start()
    (tmp_path / "go on").touch()
    assert half_done(spark, tmp_path / "go on") == 400
    while len(asked) < 2:  # it goes on after the first one
        time.sleep(0.01)
    told.stop()
