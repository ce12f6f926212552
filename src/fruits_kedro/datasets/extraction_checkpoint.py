"""What an extraction has done so far, for the next run to go on from."""

from __future__ import annotations

import uuid

from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.datasets.fsspec_dataset import FsspecDataset
from fruits_kedro.extraction_checkpoint import CheckpointWriter, Extraction
from fruits_kedro.file_system import file_system


class ExtractionCheckpointDataset(FsspecDataset[Extraction, DataFrame | None]):
    """A folder of small Parquet files, each written by a worker as soon as its rows are there.

    Saving an extraction runs it. What was written stays when the run dies, and loads: every file is
    whole. Rows of a task that was tried again are there twice. Once nothing needs the frame any
    more, Kedro releases it, and the files are deleted.
    """

    def load(self) -> DataFrame | None:
        """The rows of all files, or None where there are none."""
        if not self._exists():
            return None
        path = self._filepath.replace("s3://", "s3a://")
        return SparkSession.builder.getOrCreate().read.parquet(path)

    def save(self, data: Extraction) -> None:
        """Run an extraction, and write its rows as they come."""
        data.write(CheckpointWriter(self._filepath, self._credentials, uuid.uuid4().hex[:8]))

    def _exists(self) -> bool:
        fs, path = file_system(self._filepath, self._credentials)
        try:
            return any(name.endswith(".parquet") for name in fs.ls(path, detail=False))
        except FileNotFoundError:
            return False

    def _release(self) -> None:
        fs, path = file_system(self._filepath, self._credentials)
        if fs.exists(path):
            fs.rm(path, recursive=True)
