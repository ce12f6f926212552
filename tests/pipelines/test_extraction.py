"""Extraction on Spark: partitions, counts and what they refuse."""

import itertools

import pytest
from pyspark.sql import functions as F

from fruits_kedro.errors import FruitsError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.pipelines.extraction.nodes import count_partitions
from fruits_kedro.pipelines.extraction.outcomes import count_extracted, list_rejected
from fruits_kedro.spark.contracts import usable
from fruits_kedro.spark.extraction import extraction_job
from fruits_kedro.spark.partitioning import count_tasks


@pytest.mark.parametrize(
    ("images", "cores", "partitions"),
    [
        (1, 8, 1),
        (300, 2, 2),
        (10_720, 2, 2),
        (100_000, 2, 4),  # 488 MB of features: four files of 122 MB
        (100_000, 16, 16),
        (10_000_000, 160, 480),  # 48 GB: 102 MB a file
    ],
)
def test_partitions_fit_the_cores_and_the_files(images, cores, partitions):
    assert count_partitions(images, 1280, cores) == partitions


@pytest.mark.parametrize(
    ("images", "cores", "tasks"),
    [(0, 2, 1), (1, 8, 1), (300, 2, 2), (10_720, 2, 6), (10_000_000, 160, 4960)],
)
def test_tasks_are_whole_waves_over_the_cores(images, cores, tasks):
    assert count_tasks(images, cores) == tasks


@pytest.mark.parametrize("positions", [range(1000), range(800, 1000)])
def test_tasks_are_even_and_neighbours_stay_together(spark, tmp_path, positions):
    rows = [(f"{position:04d}.jpg", 1, position) for position in positions]
    frame = spark.createDataFrame(rows, "path string, bytes long, position long")
    source, images = ImageFolder(str(tmp_path)), len(positions)
    extraction = extraction_job(frame.orderBy(F.rand(0)), images, source, None, ImageLimits())
    assert extraction.rows.columns == ["path", "bytes"]
    tasks = extraction.rows.rdd.map(lambda row: int(row.path[:4])).glom().collect()
    assert len(tasks) == count_tasks(images, spark.sparkContext.defaultParallelism) > 1
    assert list(itertools.chain(*tasks)) == list(positions)
    assert max(map(len, tasks)) <= 1.2 * images / len(tasks)


SCHEMA = (
    "path string, split string, label string, features array<float>, error string, "
    "fingerprint string"
)
EXTRACTED = [
    ("a.jpg", "Training", "Kiwi", [1.0, 2.0], None, "x"),
    ("b.jpg", "Training", "Kiwi", None, 'decode: damaged: broken: very, "quoted"', "x"),
    ("c.jpg", "Test", "Kiwi", [3.0, 4.0], None, "x"),
]


def index(spark, rows):
    return spark.createDataFrame(
        [(*row[:3], 10 * i) for i, row in enumerate(rows)],
        "path string, split string, label string, bytes long",
    )


def test_rejected_rows_are_parted_from_usable_ones(spark):
    extracted = spark.createDataFrame(EXTRACTED, SCHEMA)
    features, (rejected, _) = usable(extracted), list_rejected(extracted)
    assert [row.asDict() for row in rejected.collect()] == [
        {
            "path": "b.jpg",
            "split": "Training",
            "label": "Kiwi",
            "stage": "decode",
            "reason": "damaged",
            "detail": 'broken: very, "quoted"',
        }
    ]
    assert features.columns == ["path", "split", "label", "features", "fingerprint"]
    assert {row.path: row.features for row in features.collect()} == {
        "a.jpg": [1.0, 2.0],
        "c.jpg": [3.0, 4.0],
    }


def count(spark, indexed, extracted):
    frame = spark.createDataFrame(extracted, SCHEMA)
    return count_extracted(index(spark, indexed), frame, list_rejected(frame)[0])


def test_counts_of_each_split(spark):
    counts = count(spark, EXTRACTED, EXTRACTED)
    assert counts.to_dict("records") == [
        {"split": "Test", "images": 1, "features": 1, "rejected": 0, "bytes": 20},
        {"split": "Training", "images": 2, "features": 1, "rejected": 1, "bytes": 10},
    ]


def test_a_lost_row_is_an_error(spark):
    with pytest.raises(FruitsError, match="lost or doubled"):
        count(spark, EXTRACTED, EXTRACTED[1:])


def test_a_doubled_row_is_an_error(spark):
    with pytest.raises(FruitsError, match="lost or doubled"):
        count(spark, EXTRACTED, [*EXTRACTED, EXTRACTED[0]])


def test_a_row_lost_and_another_doubled_is_an_error(spark):
    with pytest.raises(FruitsError, match="lost or doubled"):
        count(spark, EXTRACTED, [EXTRACTED[0], EXTRACTED[0], EXTRACTED[2]])


def test_a_row_of_another_photo_is_an_error(spark):
    other = ("d.jpg", *EXTRACTED[2][1:])
    with pytest.raises(FruitsError, match="lost or doubled"):
        count(spark, EXTRACTED, [*EXTRACTED[:2], other])


def test_a_split_without_any_usable_photo_is_an_error(spark):
    broken = [*EXTRACTED[:2], ("c.jpg", "Test", "Kiwi", None, "read: missing: ", "x")]
    with pytest.raises(
        FruitsError, match=r"None of the 1 photos of the split Test can be used: 1 missing\."
    ):
        count(spark, EXTRACTED, broken)


def test_features_of_two_backbones_are_never_mixed(spark):
    mixed = [*EXTRACTED[:2], (*EXTRACTED[2][:5], "y")]
    with pytest.raises(FruitsError, match="several backbones are mixed: x, y"):
        count(spark, EXTRACTED, mixed)
