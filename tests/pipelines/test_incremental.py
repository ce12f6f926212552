"""What is left to do, and what is put together out of several runs."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from fruits_kedro.extraction_plan import STATES, images_in
from fruits_kedro.pipelines.extraction.incremental import compare, merge

INDEX = "path string, split string, label string, bytes long, modified_at timestamp"
ROWS = INDEX + ", features array<float>, error string, fingerprint string, engine string"
NOW = SimpleNamespace(fingerprint="now", engine="litert")
PLACED = [3, 1, 3]  # by the hash of the path alone
T1, T2 = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def photo(path, length=10, modified=T1, split="Test"):
    return (path, split, "Kiwi", length, modified)


def row(path, value=1.0, error=None, fingerprint="now", engine="litert", **kwargs):
    features = None if error else [value]
    return (*photo(path, **kwargs), features, error, fingerprint, engine)


@pytest.fixture
def index(spark):
    rows = [
        photo(name) for name in ("done", "new", "longer", "touched", "other", "failed", "engine")
    ]
    rows[2], rows[3] = photo("longer", length=11), photo("touched", modified=T2)
    return spark.createDataFrame(rows, INDEX)


@pytest.fixture
def earlier(spark):
    rows = [row(name) for name in ("done", "longer", "touched", "gone")]
    rows += [row("other", fingerprint="then"), row("failed", error="read: forbidden: x")]
    rows += [row("engine", engine="tensorflow")]
    return spark.createDataFrame(rows, ROWS)


def states(found):
    return {row.path: STATES[row.state] for row in found.collect()}


def test_each_photo_has_its_state(index, earlier):
    assert states(compare(index, [earlier], NOW, retry_rejected=True)) == {
        "done": "done",
        "new": "new",
        "longer": "changed",
        "touched": "changed",
        "other": "other_backbone",
        "failed": "failed_before",
        "engine": "other_backbone",
        "gone": "gone",
    }
    kept = states(compare(index, [earlier], NOW, retry_rejected=False))
    assert kept["failed"] == "done"


def test_the_best_that_any_run_knows_counts(spark, index, earlier):
    checkpoint = [row("failed", value=7.0), row("longer", length=11, error="decode: empty: ")]
    found = states(compare(index, [earlier, spark.createDataFrame(checkpoint, ROWS)], NOW, True))
    assert found["failed"] == "done" and found["longer"] == "failed_before"


def test_a_photo_that_is_to_be_done_comes_with_its_row(index, earlier):
    (new,) = compare(index, [earlier], NOW, True).where("path = 'new'").collect()
    assert new[:4] == ("new", "Test", "Kiwi", 10) and new.modified_at.astimezone(UTC) == T1
    assert images_in({"gone": 1, "new": 2, "changed": 3, "done": 4, "failed_before": 5}) == 10


def test_merged_rows_are_those_of_the_index(spark, index, earlier):
    fresh = [
        row("new", 2.0),
        row("longer", 3.0, length=11),
        row("touched", 4.0, modified=T2),
        row("other", 5.0),
        row("failed", 6.0),
        row("done", 9.0, split="Training"),  # the later run counts; the split is the index's
        row("left over", 8.0),
    ]
    merged = merge(index, [earlier, spark.createDataFrame(fresh, ROWS)], NOW, 3)
    found = {r.path: (r.split, r.features) for r in merged.collect()}
    assert found == {
        "new": ("Test", [2.0]),
        "longer": ("Test", [3.0]),
        "touched": ("Test", [4.0]),
        "other": ("Test", [5.0]),
        "failed": ("Test", [6.0]),
        "done": ("Test", [9.0]),
    }
    assert merged.rdd.getNumPartitions() == 3


def test_features_go_before_an_error_whoever_found_it(spark, index):
    forbidden = [row("done", error="read: forbidden: x"), row("new", 1.0)]
    mended = [
        row("done", 2.0),
        row("new", error="decode: too_slow: x"),
        row("done", error="x: y: z"),
    ]
    for runs in ([forbidden, mended], [mended, forbidden], [forbidden + mended]):
        frames = [spark.createDataFrame(run, ROWS) for run in runs]
        merged = merge(index, frames, NOW, 1)
        assert {r.path: r.features for r in merged.collect()} == {"done": [2.0], "new": [1.0]}


@pytest.mark.parametrize("broadcast", ["10MB", "-1"])
def test_rows_and_their_order_do_not_depend_on_who_did_what(spark, index, broadcast):
    rows = [row(r.path, float(i), length=r.bytes, modified=r.modified_at.astimezone(UTC))
            for i, r in enumerate(index.collect())]  # fmt: skip
    one = [spark.createDataFrame(rows, ROWS)]
    two = [spark.createDataFrame(rows[4:] + rows[:1], ROWS), spark.createDataFrame(rows[1:4], ROWS)]
    before = spark.conf.get("spark.sql.autoBroadcastJoinThreshold")
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", broadcast)  # a large index is not sent
    try:
        parts = [merge(index, runs, NOW, 3).rdd.glom().collect() for runs in (one, two)]
    finally:
        spark.conf.set("spark.sql.autoBroadcastJoinThreshold", before)
    assert parts[0] == parts[1] and [len(part) for part in parts[0]] == PLACED
