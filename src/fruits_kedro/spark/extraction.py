"""An extraction as a Spark job: rows of photos, and what a worker makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame

from fruits_kedro.backbones import Backbone
from fruits_kedro.features.checkpoint import CheckpointWriter
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.source import ImageSource
from fruits_kedro.spark.partitioning import count_tasks

Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class ExtractionJob:
    """An extraction that has not run yet: rows, and what a worker makes of them.

    The two stay apart until the rows are written, so that one worker does both: features then
    never travel through the JVM to be written by Python again.

    Attributes:
        rows: of the photos.
        function: from batches of them to batches of features; has to be picklable.
    """

    rows: DataFrame
    function: Callable[[Batches], Iterator[pa.RecordBatch]]

    def write(self, writer: CheckpointWriter) -> None:
        """Run it, and write what comes."""
        function = self.function

        def run(batches: Batches) -> Iterator[pa.RecordBatch]:
            task = TaskContext.get()
            assert task is not None  # a worker has one
            return writer.write(function(batches), task.taskAttemptId())

        self.rows.mapInArrow(run, "rows long").collect()


def extraction_job(
    rows: DataFrame, images: int, raw_images: ImageSource, backbone: Backbone, limits: ImageLimits
) -> ExtractionJob:
    """Build the job: the backbone broadcast, the rows parted into tasks. It runs nothing yet.

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
    # Neighbours stay together: who puts the files in order reads each of them once.
    tasks = rows.repartitionByRange(count_tasks(images, cores), "position")
    return ExtractionJob(tasks.sortWithinPartitions("position").drop("position"), run)
