"""Small files that are written atomically."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from kedro_datasets import json, pandas, text

from fruits_kedro.datasets.base import AtomicDataset
from fruits_kedro.datasets.formulas import shield, unshield
from fruits_kedro.storage.atomic import NewVersion, new_version, recover
from fruits_kedro.storage.s3 import for_fsspec


class AtomicFile(AtomicDataset):
    """Makes ``save`` of a file dataset of kedro-datasets atomic."""

    _fs: Any
    _protocol: str
    _version: Any
    _new: PurePosixPath | None = None  # the file that is being written

    def __init__(self, *, credentials: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(credentials=for_fsspec(credentials), **kwargs)  # type: ignore[call-arg]

    @property
    def _filepath(self) -> PurePosixPath:
        """The file that the base class reads and writes: the newest version."""
        held = self.held_back
        newest = PurePosixPath(held.new) if isinstance(held, NewVersion) else self._target
        return self._new or newest

    @_filepath.setter
    def _filepath(self, path: PurePosixPath) -> None:
        self._target = path

    @property
    def location(self) -> str:
        """The path or URL."""
        place = str(self._target)
        return place if self._protocol == "file" else f"{self._protocol}://{place}"

    def save(self, data: Any) -> None:
        """Replace the file atomically; with ``versioned: true`` add a version, as Kedro does."""
        if self._version:
            super().save(data)  # type: ignore[misc]  # the other base class's
            return
        version = new_version(self._fs, str(self._target))
        self._new = PurePosixPath(version.new)
        with self._writing(version):
            try:
                super().save(data)  # type: ignore[misc]  # the other base class's
            finally:
                self._new = None

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this file."""
        recover(self._fs, str(self._target))


class CsvDataset(AtomicFile, pandas.CSVDataset):
    """``pandas.CSVDataset`` with atomic writes, of text that no spreadsheet calculates."""

    def save(self, data: pd.DataFrame) -> None:
        """Replace the file atomically."""
        # All text in quotes: pandas would write a carriage return as the end of a line.
        self._save_args.setdefault("quoting", csv.QUOTE_NONNUMERIC)
        super().save(_map_text(data, shield))

    def load(self) -> pd.DataFrame:
        """The rows."""
        return _map_text(super().load(), unshield)


class JsonDataset(AtomicFile, json.JSONDataset):
    """``json.JSONDataset`` with atomic writes.

    Args:
        optional: load None if there is no file.
    """

    def __init__(self, *, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optional = optional

    def load(self) -> Any:
        """What the file holds."""
        return None if self.optional and not self.exists() else super().load()


class TextDataset(AtomicFile, text.TextDataset):
    """``text.TextDataset`` with atomic writes."""


def _map_text(data: pd.DataFrame, function: Callable[[str], str]) -> pd.DataFrame:
    texts = data.select_dtypes(["object", "string"]).columns
    change = {
        name: data[name].map(lambda value: function(value) if isinstance(value, str) else value)
        for name in texts
    }
    return data.assign(**change)
