"""An extraction as a Spark job: rows of photos, and what a worker makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.features.checkpoint import CheckpointWriter
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.source import ImageSource
from fruits_kedro.spark.exact_partitions import partition_key
from fruits_kedro.spark.task_layout import TaskLayout, count_tasks

Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class Extraction:
    """An extraction that has not run yet: rows, and what a worker makes of them.

    The two stay apart until the rows are written, so that one worker does both: features then
    never travel through the JVM to be written by Python again.

    Attributes:
        rows: of the photos.
        function: from batches of them to batches of features; has to be picklable.
        stretch: of a task's rows so many at a time are neighbours by path: they are written to one
            file, so that who puts all of them in order reads each file once.
    """

    rows: DataFrame
    function: Callable[[Batches], Iterator[pa.RecordBatch]]
    stretch: int = 1

    def write(self, writer: CheckpointWriter) -> int:
        """Run it, and write what comes; returns the number of rows."""
        function, stretch = self.function, self.stretch

        def run(batches: Batches) -> Iterator[pa.RecordBatch]:
            task = TaskContext.get()
            assert task is not None  # a worker has one
            return writer.write(function(batches), stretch, task.taskAttemptId())

        return self.rows.mapInArrow(run, "written binary").count()


def extract(
    rows: DataFrame, images: int, raw_images: ImageSource, backbone: Backbone, limits: ImageLimits
) -> Extraction:
    """Lay out an extraction: the backbone broadcast, the rows parted into tasks.

    Args:
        rows: of the photos: ``path, bytes, position`` in the order of their paths, and others,
            which stay.
        images: how many rows.
        raw_images: to read from.
        backbone: to extract with.
        limits: what a photo may cost.
    """
    sc = rows.sparkSession.sparkContext
    shared = sc.broadcast(backbone)

    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.features.extract import extract_batches

        return extract_batches(batches, raw_images.read_all, shared.value, limits)

    cores = sc.defaultParallelism
    layout = TaskLayout.of(images, cores)
    if raw_images.in_order:
        rows = rows.repartitionByRange(count_tasks(images, cores), "position")
    else:
        # Neighbours stay together: who puts the files in order reads each of them once.
        key = partition_key(layout.tasks, layout.task_of("position"))
        rows = rows.repartition(layout.tasks, F.expr(key))
    return Extraction(rows.sortWithinPartitions("position").drop("position"), run, layout.stretch)
