"""What the datasets that Spark writes beside their target share."""

from __future__ import annotations

from kedro_datasets.spark import SparkDatasetV2

from fruits_kedro.storage.atomic import recover
from fruits_kedro.storage.filesystem import file_system


class SparkWholeDataset(SparkDatasetV2):
    """A Spark dataset that is replaced whole, and is there once its last file is.

    Attributes:
        last_file: below the target, empty where the target is a file itself.
    """

    last_file = ""

    def _exists(self) -> bool:
        url = f"{self._spark_path}/{self.last_file}".rstrip("/")
        fs, path = file_system(url, self._credentials)
        return bool(fs.exists(path))

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        recover(self._spark_path, self._credentials)
