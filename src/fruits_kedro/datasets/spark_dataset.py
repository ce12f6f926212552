"""The base of the datasets that Spark reads and writes."""

from __future__ import annotations

from typing import Any, TypeVar

from fruits_kedro.datasets.atomic_dataset import AtomicFsspecDataset
from fruits_kedro.spark.paths import spark_url

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class SparkDataset(AtomicFsspecDataset[_In, _Out]):
    """A file or folder that is replaced atomically, and exists once its last file does.

    Args:
        load_args: options of Spark's reader.
        save_args: options of Spark's writer.
    """

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
