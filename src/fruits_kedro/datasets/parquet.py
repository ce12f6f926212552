"""A Spark frame in Parquet with atomic writes."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from kedro.io import DatasetError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from fruits_kedro.datasets.spark_dataset import SparkDataset
from fruits_kedro.storage.atomic import atomic_replace, recover
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.manifest import MARK, manifest_files, read_manifest
from fruits_kedro.storage.s3 import is_s3

_PROTOCOL = "spark.sql.sources.commitProtocolClass"
_SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"
_SUFFIX = ".parquet"
_MARKS = "mapreduce.fileoutputcommitter.marksuccessfuljobs"


class ParquetDataset(SparkDataset[Any, Any]):
    """A folder of Parquet files that exists once it holds ``_SUCCESS``.

    On a disk a new version is written beside the last one, then renamed. In an S3 bucket the new
    files join the old ones. ``_SUCCESS``, written last, is the manifest: only its files are loaded,
    and older ones are deleted.

    Args:
        filepath: the folder.
        optional: load None if there is no complete version.
        kwargs: as for ``SparkDataset``.
    """

    def __init__(self, *, filepath: str, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._optional = optional

    def load(self) -> DataFrame | None:
        """The rows of the last complete version; None if an optional one is missing."""
        files = self._files()
        if files and (schema := self._schema_of(files[0])):
            return SparkSession.builder.getOrCreate().read.schema(schema).parquet(*files)
        if self._optional:
            return None
        raise DatasetError(
            f"{self._url} is not there, or not complete (no {MARK}, or no files): a run is "
            "still writing it, or was interrupted.\nRun the pipeline that makes it again."
        )

    def save(self, data: DataFrame | pd.DataFrame) -> None:
        """Replace the folder atomically."""
        if isinstance(data, pd.DataFrame):
            data = SparkSession.builder.getOrCreate().createDataFrame(data)
        writer = data.write.options(**self._save_args)
        if is_s3(self._url):
            self._join(writer)
            return
        with atomic_replace(self._url, self._credentials) as (new, target):
            writer.parquet(new)
            target.replace(target.new)

    def _join(self, writer: Any) -> None:
        fs, path = file_system(self._url, self._credentials)
        before = fs.find(path)
        protocol = str(SparkSession.builder.getOrCreate().conf.get(_PROTOCOL, ""))
        # Other committers' _SUCCESS names no job: suppress it and write our own.
        names_job = "PathOutputCommitProtocol" in protocol
        writer.option(_MARKS, str(names_job).lower()).mode("append").parquet(self._url)
        mark = f"{path}/{MARK}"
        if not names_job or read_manifest(_read(fs, mark) or b"") is None:
            new = sorted(set(fs.find(path)) - set(before))
            written = [file.removeprefix(path) for file in new if file.endswith(".parquet")]
            fs.pipe_file(mark, json.dumps({"filenames": written[:1]}).encode())
        if stale := [file for file in before if not file.endswith(f"/{MARK}")]:
            fs.rm(stale)

    def _schema_of(self, place: str) -> StructType | None:
        """The schema of a file or folder. Spark would start a job, which waits for a free core."""
        fs, path = file_system(place, self._credentials)
        if place == self._url:  # without files that Spark calls hidden
            files = [name for name in fs.ls(path, detail=False) if name.endswith(_SUFFIX)]
            files = [name for name in files if name.rpartition("/")[2][0] not in "._"]
            if not files:
                return None
            path = min(files)
        return read_schema(fs, path)

    def _exists(self) -> bool:
        return bool(self._files())

    def _files(self) -> list[str]:
        """What to load: the folder, or the files that its manifest names."""
        fs, path = file_system(self._url, self._credentials)
        mark = _read(fs, f"{path}/{MARK}")
        if mark is None:
            return []
        if (job := read_manifest(mark)) is None:
            return [self._url]
        names = (file.rpartition("/")[2] for file in fs.ls(path, detail=False))
        return [f"{self._url}/{name}" for name in manifest_files(job, names)]

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        if not is_s3(self._url):  # there, each save deletes what is left
            recover(self._url, self._credentials)


def read_schema(fs: Any, path: str) -> StructType:
    """Spark's schema of a Parquet file."""
    with fs.open(path, "rb") as file:
        schema = pq.read_schema(file)
    written = (schema.metadata or {}).get(_SPARKS_SCHEMA)  # has types that Arrow lacks
    return StructType.fromJson(json.loads(written)) if written else from_arrow_schema(schema)


def _read(fs: Any, path: str) -> bytes | None:
    try:
        return bytes(fs.cat_file(path))
    except FileNotFoundError:
        return None
