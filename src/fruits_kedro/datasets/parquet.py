"""A Spark frame in Parquet that loads whole or not at all."""

from __future__ import annotations

from kedro.io import DatasetError
from kedro_datasets.spark import SparkDatasetV2
from pyspark.sql import DataFrame

from fruits_kedro.datasets.replace import file_system


class ParquetDataset(SparkDatasetV2):
    """A folder of Parquet files that counts as there once Spark has put ``_SUCCESS`` into it.

    Without that mark a job is still writing, or was interrupted.
    """

    def _load(self) -> DataFrame:
        if not self._is_complete():
            raise DatasetError(
                f"{self._spark_path} is not there, or not complete (it has no _SUCCESS): a run is "
                "still writing it, or was interrupted.\nRun the pipeline that makes it again."
            )
        return super()._load()

    def _exists(self) -> bool:
        return self._is_complete()

    def _is_complete(self) -> bool:
        fs, path = file_system(f"{self._spark_path}/_SUCCESS", self._credentials)
        return bool(fs.exists(path))
