"""What is left to do, and what is put together out of several runs."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.datasets import ArrowParquetDataset
from fruits_kedro.features.schema import EXTRACTED
from fruits_kedro.features.status import STATUSES, count_pending
from fruits_kedro.pipelines.extraction.incremental import (
    OUTSIDE,
    OUTSIDE_OTHER_BACKBONE,
    compare,
    merge,
)

PHOTO = "path string, split string, label string, bytes long, modified_at timestamp"
INDEX = PHOTO + ", position long, in_subset boolean"
ROWS = PHOTO + ", features array<float>, error string, fingerprint string, engine string"
NOW = SimpleNamespace(fingerprint="now", engine="litert")
PARAMS = ExtractionParams()
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
    return spark.createDataFrame([(*row, i, True) for i, row in enumerate(sorted(rows))], INDEX)


@pytest.fixture
def earlier(spark):
    rows = [row(name) for name in ("done", "longer", "touched", "gone")]
    rows += [row("other", fingerprint="then"), row("failed", error="read: forbidden: x")]
    rows += [row("engine", engine="tensorflow")]
    return spark.createDataFrame(rows, ROWS)


def states(found):
    return {row.path: STATUSES[row.state] for row in found.collect()}


def test_each_photo_has_its_state(index, earlier):
    assert states(compare(index, [earlier], NOW, PARAMS)) == {
        "done": "done",
        "new": "new",
        "longer": "changed",
        "touched": "changed",
        "other": "other_backbone",
        "failed": "failed_before",
        "engine": "other_backbone",
        "gone": "gone",
    }
    kept = states(compare(index, [earlier], NOW, ExtractionParams(retry_rejected=False)))
    assert kept["failed"] == "done"


def test_the_best_that_any_run_knows_counts(spark, index, earlier):
    checkpoint = [row("failed", value=7.0), row("longer", length=11, error="decode: empty: ")]
    runs = [earlier, spark.createDataFrame(checkpoint, ROWS)]
    found = states(compare(index, runs, NOW, PARAMS))
    assert found["failed"] == "done" and found["longer"] == "failed_before"


def test_a_photo_that_is_to_be_done_comes_with_its_row(index, earlier):
    (new,) = compare(index, [earlier], NOW, PARAMS).where("path = 'new'").collect()
    assert new[:4] == ("new", "Test", "Kiwi", 10) and new.modified_at.astimezone(UTC) == T1
    assert count_pending(dict(zip(STATUSES, (1, 2, 3, 5, 7, 11, 13)))) == 17


def test_photos_outside_the_subset_keep_what_they_have(index, earlier):
    index = index.withColumn("in_subset", F.lit(False))
    params = ExtractionParams(incremental=False)  # holds for photos of the subset alone
    found = {row.path: row.state for row in compare(index, [earlier], NOW, params).collect()}
    kept, gone = STATUSES.index("kept"), STATUSES.index("gone")
    assert found == {
        **dict.fromkeys(("done", "failed"), kept),
        **dict.fromkeys(("other", "engine"), OUTSIDE_OTHER_BACKBONE),
        **dict.fromkeys(("new", "longer", "touched"), OUTSIDE),
        "gone": gone,
    }


@pytest.fixture
def merged(spark, index, tmp_path):
    """Merge runs, each given as rows; returns what is then in each file."""

    def merge_runs(earlier, now, files=3, index=index, incremental=True, kept=0):
        frames = []
        for rank, run in enumerate(
            (earlier, now)
        ):  # two row groups and more, in a folder of an odd name
            frame = spark.createDataFrame(run, ROWS)
            table = pa.Table.from_pandas(frame.toPandas(), to_arrow_schema(frame.schema))
            path = tmp_path / f"é %20 {rank}.parquet"
            pq.write_table(table, path, row_group_size=2)
            frames.append(spark.read.parquet(str(path)))
        dataset = ArrowParquetDataset(filepath=str(tmp_path / "merged"))
        images = index.where("in_subset").count()
        one, two = ([frame] for frame in frames)
        dataset.save(merge(index, one, two, NOW, incremental, images, files, kept))
        written = sorted((tmp_path / "merged").glob("*.parquet"))
        return [pq.read_table(path).to_pylist() for path in written]

    return merge_runs


def features_of(files):
    return {row["path"]: row["features"] for rows in files for row in rows}


def test_merged_rows_are_those_of_the_index(merged, earlier):
    fresh = [
        row("new", 2.0),
        row("longer", 3.0, length=11),
        row("touched", 4.0, modified=T2),
        row("other", 5.0),
        row("failed", 6.0),
        row("done", 9.0, split="Training"),  # the later run counts; the split is the index's
        row("left over", 8.0),
    ]
    files = merged([tuple(row) for row in earlier.collect()], fresh)
    assert [[row["path"] for row in rows] for rows in files] == [
        ["done", "failed"],  # "engine" is of another one
        ["longer", "new"],
        ["other", "touched"],
    ]
    assert list(files[0][0]) == list(EXTRACTED)
    assert {row["split"] for rows in files for row in rows} == {"Test"}
    assert features_of(files) == {
        "new": [2.0],
        "longer": [3.0],
        "touched": [4.0],
        "other": [5.0],
        "failed": [6.0],
        "done": [9.0],
    }


def test_features_go_before_an_error_whoever_found_it(merged):
    forbidden = [row("done", error="read: forbidden: x"), row("new", 1.0)]
    mended = [
        row("done", 2.0),
        row("new", error="decode: too_slow: x"),
        row("done", error="x: y: z"),
    ]
    for runs in ([forbidden, mended], [mended, forbidden], [[], forbidden + mended]):
        assert features_of(merged(*runs)) == {"done": [2.0], "new": [1.0]}


@pytest.mark.parametrize("broadcast", ["10MB", "-1"])
def test_rows_and_their_order_do_not_depend_on_who_did_what(spark, index, merged, broadcast):
    rows = [row(r.path, float(i), length=r.bytes, modified=r.modified_at.astimezone(UTC))
            for i, r in enumerate(index.collect())]  # fmt: skip
    rows[0] = row("done", error="decode: empty: x")
    before = spark.conf.get("spark.sql.autoBroadcastJoinThreshold")
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", broadcast)  # a large index is not sent
    try:
        parts = [merged(rows, []), merged([rows[i] for i in (4, 6, 5, 0)], rows[3:0:-1])]
    finally:
        spark.conf.set("spark.sql.autoBroadcastJoinThreshold", before)
    assert parts[0] == parts[1] and [len(part) for part in parts[0]] == [3, 2, 2]
    assert [row["path"] for part in parts[0] for row in part] == sorted(row[0] for row in rows)


def test_rows_outside_the_subset_stay_in_files_of_their_own(merged, index, earlier):
    index = index.withColumn("in_subset", F.expr("path = 'done'")).drop("position")
    order = Window.orderBy(F.desc("in_subset"), "path")
    index = index.withColumn("position", F.row_number().over(order).cast("long") - 1)
    rows = [tuple(row) for row in earlier.collect()]
    files = merged(rows, [row("done", 2.0)], 1, index, False, 2)
    assert [[(row["path"], row["in_subset"]) for row in rows] for rows in files if rows] == [
        [("done", True)],
        [("failed", False)],
    ]
    assert features_of(files)["done"] == [2.0]
    assert features_of(merged(rows, [], 1, index, False, 2)) == {"failed": None}
