"""Rows with long vectors in Parquet, written by the Python workers."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame

from fruits_kedro.datasets.parquet import ParquetDataset
from fruits_kedro.spark.feature_refs import FeatureRefs
from fruits_kedro.spark.parquet_writer import ArrowWriter
from fruits_kedro.storage.atomic import atomic_replace
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.manifest import MARK
from fruits_kedro.storage.s3 import is_s3


class ArrowParquetDataset(ParquetDataset):
    """A ``ParquetDataset`` whose manifest (``_SUCCESS``) always names all files that count.

    A lost worker that writes late therefore doubles no row.
    """

    def save(self, data: DataFrame | FeatureRefs) -> None:
        """Replace the folder atomically."""
        if not is_s3(self._url):
            with atomic_replace(self._url, self._credentials) as (new, target):
                names = ArrowWriter.save(data, new, self._credentials)
                _commit(target.fs, target.new, names)
                target.replace(target.new)
            return
        fs, path = file_system(self._url, self._credentials)
        names = ArrowWriter.save(data, self._url, self._credentials)
        _commit(fs, path, names)


def _commit(fs: Any, folder: str, names: list[str]) -> None:
    """Write the manifest, then delete all other files: older versions and broken ones."""
    fs.pipe_file(f"{folder}/{MARK}", json.dumps({"files": names}).encode())
    kept = {f"{folder}/{name}" for name in [*names, MARK]}
    if stale := [file for file in fs.find(folder) if file not in kept]:
        fs.rm(stale)
