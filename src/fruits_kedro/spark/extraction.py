"""The extraction as a lazy Spark job."""

from __future__ import annotations

import functools
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
    """An extraction that has not run yet.

    Rows and function stay apart until the rows are written. One worker then extracts and writes,
    and no feature passes through the JVM.

    Attributes:
        rows: of the photos.
        function: from batches of rows to batches of features; picklable.
    """

    rows: DataFrame
    function: Callable[[Batches], Iterator[pa.RecordBatch]]

    def write(self, writer: CheckpointWriter) -> None:
        """Run the job; the workers write its rows."""
        function = self.function

        def run(batches: Batches) -> Iterator[pa.RecordBatch]:
            task = TaskContext.get()
            assert task is not None  # a worker has one
            return writer.write(function(batches), task.taskAttemptId())

        self.rows.mapInArrow(run, "rows long").collect()


def extraction_job(
    rows: DataFrame, images: int, raw_images: ImageSource, backbone: Backbone, limits: ImageLimits
) -> ExtractionJob:
    """The job: a broadcast backbone, and rows split into tasks. Nothing runs yet.

    Args:
        rows: ``path, bytes, position`` (in the order of paths) and any other columns.
        images: number of rows.
    """
    sc = rows.sparkSession.sparkContext
    shared = sc.broadcast(backbone)

    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.features.extract import extract_batches

        read_all = functools.partial(raw_images.read_all, seconds=limits.seconds)
        return extract_batches(batches, read_all, shared.value, limits)

    cores = sc.defaultParallelism
    # Neighbours stay together, so that the merge reads each checkpoint file once.
    tasks = rows.repartitionByRange(count_tasks(images, cores), "position")
    return ExtractionJob(tasks.sortWithinPartitions("position").drop("position"), run)
