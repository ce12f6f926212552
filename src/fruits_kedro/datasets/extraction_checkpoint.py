"""The checkpoint of an extraction, from which the next run resumes."""

from __future__ import annotations

import uuid

from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.datasets.base import FsspecDataset
from fruits_kedro.datasets.parquet import read_schema
from fruits_kedro.features.checkpoint import CheckpointWriter, rows_of
from fruits_kedro.spark.extraction import ExtractionJob
from fruits_kedro.spark.paths import spark_pattern, spark_url
from fruits_kedro.storage.filesystem import file_system, remove


class ExtractionCheckpointDataset(FsspecDataset[ExtractionJob, DataFrame | None]):
    """A folder of small Parquet files, each written atomically by a worker.

    Saving an extraction job runs it. If the run dies, the files stay and can be loaded. Rows of a
    task that ran again are there twice.
    """

    def load(self) -> DataFrame | None:
        """The rows of all files, or None if there are none."""
        files = self._files()
        if not files:
            return None
        fs, _ = file_system(self._place, self._credentials)
        schema = read_schema(fs, files[0])  # Spark would start a job to infer it
        path = spark_pattern(spark_url(self._place))
        return SparkSession.builder.getOrCreate().read.schema(schema).parquet(path)

    def save(self, data: ExtractionJob) -> None:
        """Run the job; workers write its rows as they come."""
        self._run = uuid.uuid4().hex[:8]
        data.write(CheckpointWriter(self._place, self._credentials, self._run))

    def rows_written(self) -> int:
        """Number of rows that the running save has written so far."""
        names = (name.rpartition("/")[2] for name in self._files())
        return sum(rows_of(name) for name in names if name.startswith(self._run))

    def clear(self) -> None:
        """Delete all files."""
        fs, path = file_system(self._place, self._credentials)
        if fs.exists(path):
            remove(fs, [path], recursive=True)

    def _exists(self) -> bool:
        return bool(self._files())

    def _files(self) -> list[str]:
        fs, path = file_system(self._place, self._credentials)
        try:
            return sorted(name for name in fs.ls(path, detail=False) if name.endswith(".parquet"))
        except FileNotFoundError:
            return []
