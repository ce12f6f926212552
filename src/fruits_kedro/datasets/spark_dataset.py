"""The base of the datasets that Spark reads and writes."""

from __future__ import annotations

from typing import Any, TypeVar

from fruits_kedro.datasets.fsspec_dataset import FsspecDataset
from fruits_kedro.spark.paths import spark_url
from fruits_kedro.storage.atomic import recover
from fruits_kedro.storage.filesystem import file_system

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class SparkDataset(FsspecDataset[_In, _Out]):
    """A file or folder that is replaced atomically, and exists once its last file does.

    Args:
        load_args: options of Spark's reader.
        save_args: options of Spark's writer.

    Attributes:
        last_file: the file of a folder that is written last; empty if the target is a file.
    """

    last_file = ""

    def __init__(
        self,
        *,
        filepath: str,
        load_args: dict[str, Any] | None = None,
        save_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._url = spark_url(filepath)
        self._load_args = load_args or {}
        self._save_args = save_args or {}

    def _exists(self) -> bool:
        fs, path = file_system(f"{self._url}/{self.last_file}".rstrip("/"), self._credentials)
        return bool(fs.exists(path))

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        recover(self._url, self._credentials)
