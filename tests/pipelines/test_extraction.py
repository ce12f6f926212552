"""Extraction on Spark: partitions, counts and what they refuse."""

import itertools

import pytest
from pyspark.sql import functions as F

from fruits_kedro.errors import FruitsError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.packed import PackedImages
from fruits_kedro.pipelines.extraction.nodes import count_partitions, extract
from fruits_kedro.pipelines.extraction.outcomes import count_extracted, split_extracted
from fruits_kedro.spark.task_layout import TaskLayout, count_tasks


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
def test_tasks_are_whole_rounds_over_the_cores(images, cores, tasks):
    assert count_tasks(images, cores) == tasks


def test_small_tasks_come_last_and_every_photo_has_one(spark):
    layout = TaskLayout.of(10_720, 2)
    task = F.expr(layout.task_of("id"))
    found = spark.range(10_720).groupBy(task.alias("task")).count().orderBy("task").collect()
    assert [row.task for row in found] == list(range(layout.tasks))
    sizes = [row["count"] for row in found]
    large, small = sizes[: layout.large], sizes[layout.large :]
    quarter = layout.stretch / 4
    assert len(small) == 16 and set(small[:-1]) == {quarter} and small[-1] <= quarter
    assert max(large) - min(large) <= layout.stretch
    assert 4 * layout.stretch < max(large) <= 2048


def test_one_round_of_tasks_has_no_small_ones():
    assert TaskLayout.of(300, 2) == TaskLayout(stretch=19, large=2, small=0, stretches=16)


def tasks_of(spark, source, folder, positions, images):
    """The photos in each task of an extraction, by their places in the order of paths, and how many
    neighbours each task has at a time."""
    rows = [(f"{position:04d}.jpg", 1, position) for position in positions]
    frame = spark.createDataFrame(rows, "path string, bytes long, position long")
    extraction = extract(frame.orderBy(F.rand(0)), images, source(str(folder)), None, ImageLimits())
    assert extraction.rows.columns == ["path", "bytes"]
    tasks = extraction.rows.rdd.map(lambda row: int(row.path[:4])).glom().collect()
    assert len(tasks) == count_tasks(images, spark.sparkContext.defaultParallelism) > 1
    assert sorted(itertools.chain(*tasks)) == list(positions)
    assert all(task == sorted(task) for task in tasks)
    return tasks, extraction.stretch


@pytest.mark.parametrize("source", [ImageFolder, PackedImages])
@pytest.mark.parametrize("positions", [range(1000), range(800, 1000)])
def test_tasks_are_even(spark, source, tmp_path, positions):
    tasks, _ = tasks_of(spark, source, tmp_path, positions, len(positions))
    even = len(positions) / len(tasks)
    assert max(map(len, tasks)) <= (even + 8 if source is ImageFolder else 1.2 * even)


def test_each_task_takes_part_in_a_large_class_and_neighbours_stay_together(spark, tmp_path):
    tasks, stretch = tasks_of(spark, ImageFolder, tmp_path, range(1000), 1000)
    for task in tasks:
        of_a_class = [position for position in task if 300 <= position < 600]
        assert len(of_a_class) >= 0.7 * 300 / len(tasks)
        breaks = [i for i in range(1, len(task)) if task[i] != task[i - 1] + 1]
        assert breaks == list(range(stretch, len(task), stretch)) and len(breaks) < 8


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
    features, rejected, _ = split_extracted(spark.createDataFrame(EXTRACTED, SCHEMA))
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
    return count_extracted(index(spark, indexed), frame, split_extracted(frame)[1])


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
