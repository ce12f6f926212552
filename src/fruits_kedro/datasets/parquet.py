"""A frame of Spark or a table of Arrow in Parquet, with atomic writes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io import DatasetError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from fruits_kedro.datasets.base import SparkDataset
from fruits_kedro.errors import FruitsError
from fruits_kedro.spark.feature_refs import FeatureRefs
from fruits_kedro.spark.parquet_writer import ArrowWriter
from fruits_kedro.spark.paths import spark_pattern
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.manifest import (
    MARK,
    SPARKS_SCHEMA,
    NewFiles,
    manifest_files,
    read_manifest,
    write_manifest,
)
from fruits_kedro.storage.s3 import is_s3

_VECTORS = ("pyspark.ml.linalg.VectorUDT", "pyspark.ml.linalg.MatrixUDT")
_MARKS = "mapreduce.fileoutputcommitter.marksuccessfuljobs"


class ParquetDataset(SparkDataset[Any, Any]):
    """A folder of Parquet files that exists once it holds ``_SUCCESS``.

    On a disk a new version is written beside the last one, then renamed. In a bucket the new files
    join the old ones. ``_SUCCESS``, written last, is the manifest: only its files are loaded, all
    of them, and others are deleted.
    """

    last_file = MARK

    def load(self) -> DataFrame | None:
        """The rows of the last complete version; None if an optional one is missing."""
        if self.optional and not self._files():
            return None
        fs, files = self.files()
        folder = self._newest.rstrip("/")
        places = [spark_pattern(f"{folder}/{file.rpartition('/')[2]}") for file in files]
        schema = read_schema(fs, files[0])  # Spark would start a job for it
        return SparkSession.builder.getOrCreate().read.schema(schema).parquet(*places)

    def files(self) -> tuple[Any, list[str]]:
        """The file system of fsspec, and the paths of the files of the last complete version."""
        if files := self._files():
            return file_system(self._newest, self._credentials)[0], files
        raise DatasetError(
            f"{self.location} is not there, or not complete (no {MARK}, or no files): a run is "
            "still writing it, or was interrupted.\nRun the pipeline that makes it again."
        )

    def save(self, data: Any) -> None:
        """Replace the folder atomically."""
        if is_s3(self._url):
            names = self._write(data, self._url)
            self._finish(NewFiles(*file_system(self._url, self._credentials), names))
            return
        with self._new_version() as (url, version):
            write_manifest(version.fs, version.new, self._write(data, url))

    def _write(self, data: Any, url: str) -> list[str]:
        """Write files into a folder, beside others; returns their names."""
        fs, folder = file_system(url, self._credentials)
        if isinstance(data, pd.DataFrame):
            data = _without_null_types(pa.Table.from_pandas(data, preserve_index=False))
        if isinstance(data, pa.Table):
            return [_write_table(fs, folder, data)]
        before = set(fs.find(folder))
        # Spark's own mark would replace the manifest of the version that is there.
        options = {**self._save_args, _MARKS: "false"}
        data.write.options(**options).mode("append").parquet(url)
        new = set(fs.find(folder)) - before
        return [file.rpartition("/")[2] for file in new if file.endswith(".parquet")]

    def _exists(self) -> bool:
        return bool(self._files())

    def _files(self) -> list[str]:
        """The paths of the files of the last complete version; none where there is none."""
        if isinstance(self.held_back, NewFiles):
            return self.held_back.files
        fs, path = file_system(self._newest, self._credentials)
        manifest = read_manifest(fs, path)
        if manifest is None:
            return []
        return manifest_files(manifest, self.location, fs.ls(path, detail=False))

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        if not is_s3(self._url):  # there, each save deletes what is left
            super().recover()


class ArrowParquetDataset(ParquetDataset):
    """A ``ParquetDataset`` that the workers write; a lost one that writes late doubles no row."""

    def _write(self, data: DataFrame | FeatureRefs, url: str) -> list[str]:
        return ArrowWriter.save(data, url, self._credentials)


def _without_null_types(table: pa.Table) -> pa.Table:
    """The same; columns of None alone are of text: Spark reads no column without a type."""
    fields = [
        field.with_type(pa.string()) if field.type == pa.null() else field for field in table.schema
    ]
    return table.cast(pa.schema(fields, table.schema.metadata))


def _write_table(fs: Any, folder: str, table: pa.Table) -> str:
    name = f"part-00000-{uuid.uuid4()}.parquet"
    fs.makedirs(folder, exist_ok=True)
    with fs.open(f"{folder}/{name}", "wb") as file:
        pq.write_table(table, file)
    return name


def read_schema(fs: Any, path: str) -> StructType:
    """Spark's schema of a Parquet file; FruitsError if loading it could run code of the file."""
    with fs.open(path, "rb") as file:
        schema = pq.read_schema(file)
    written = (schema.metadata or {}).get(SPARKS_SCHEMA)  # has types that Arrow lacks
    if not written:
        return from_arrow_schema(schema)

    def check(part: dict[str, Any]) -> dict[str, Any]:
        if part.get("type") == "udt" and part.get("pyClass") not in _VECTORS:
            raise FruitsError(
                f"{path} has a column of a type of its own ({part.get('pyClass')}), which PySpark "
                "would load and run.\nIf you trust the file, copy its other columns into another."
            )
        return {name: value for name, value in part.items() if name != "serializedClass"}

    return StructType.fromJson(json.loads(written, object_hook=check))
