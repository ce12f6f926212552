"""Small files that are there whole or not at all."""

from __future__ import annotations

from typing import Any

from kedro_datasets import json, pandas, text

from fruits_kedro.storage.atomic import atomic_replace, recover


class AtomicFile:
    """Writes a file on a disk under another name first: one that is cut off never shows.

    In a bucket an object appears when all of it has arrived.
    """

    _filepath: Any
    _protocol: str

    @property
    def location(self) -> str:
        """The path or URL."""
        place = str(self._filepath)
        return place if self._protocol == "file" else f"{self._protocol}://{place}"

    def save(self, data: Any) -> None:
        """Replace the file, atomically."""
        if self._protocol != "file":
            super().save(data)  # type: ignore[misc]  # of the dataset beside which this one stands
            return
        path = self._filepath
        with atomic_replace(str(path), {}) as (new, target):
            self._filepath = path.with_name(new.rpartition("/")[2])
            try:
                super().save(data)  # type: ignore[misc]
            finally:
                self._filepath = path
            target.replace(target.new)

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this file."""
        if self._protocol == "file":
            recover(str(self._filepath), {})


class CsvDataset(AtomicFile, pandas.CSVDataset):
    """``pandas.CSVDataset``, atomically."""


class JsonDataset(AtomicFile, json.JSONDataset):
    """``json.JSONDataset``, atomically."""


class TextDataset(AtomicFile, text.TextDataset):
    """``text.TextDataset``, atomically."""
