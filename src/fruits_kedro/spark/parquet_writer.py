"""Parquet written by the Python workers: Spark's own writer takes 0.5 ms per feature vector."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from fruits_kedro.features.batches import first_of_each, in_tables
from fruits_kedro.spark.feature_refs import FeatureRefs, read_features
from fruits_kedro.storage.filesystem import file_system

_ROWS = 1280  # 8 MB of features and pictures, in memory of each worker


@dataclass(frozen=True)
class ArrowWriter:
    """Writes one file per task. Picklable: the workers write through it.

    A task that runs again writes another file; only the files that :meth:`save` returns count.

    Attributes:
        folder: a URL or a local path.
        job: part of each file's name.
    """

    folder: str
    credentials: dict[str, Any]
    schema: pa.Schema
    job: str

    @classmethod
    def save(
        cls, data: DataFrame | FeatureRefs, folder: str, credentials: dict[str, Any]
    ) -> list[str]:
        """Write one file per partition; returns the files' names, in order."""
        if isinstance(data, FeatureRefs):
            rows, schema = data.rows, data.schema
        else:
            rows, schema = data, to_arrow_schema(data.schema)
        writer = cls(folder, credentials, schema, str(uuid.uuid4()))
        fs, path = file_system(folder, credentials)
        fs.makedirs(path, exist_ok=True)
        function = writer.write if rows is data else writer.fill
        written = rows.mapInArrow(function, "name string").collect()
        # Without rows Spark may run no task; an empty file keeps the columns.
        return sorted(row.name for row in written) or [writer._write(0, 0, [])]

    def fill(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """As :meth:`write`, for rows of ``FeatureRefs``."""
        rows = first_of_each(batches, "path")
        return self.write(read_features(rows, self.schema, self.credentials))

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the rows of one task; yields the file's name once it is complete."""
        task = TaskContext.get()
        assert task is not None  # a worker has one
        name = self._write(task.partitionId(), task.attemptNumber(), batches)
        yield pa.RecordBatch.from_pydict({"name": [name]})

    def _write(self, part: int, attempt: int, batches: Iterable[pa.RecordBatch]) -> str:
        name = f"part-{part:05d}-{self.job}-c{attempt:03d}.snappy.parquet"
        fs, path = file_system(self.folder, self.credentials)
        with (
            fs.open(f"{path}/{name}", "wb") as file,
            pq.ParquetWriter(file, self.schema, use_dictionary=False) as out,
        ):
            for table in in_tables(batches, _ROWS):
                out.write_table(table.cast(self.schema))
        return name
