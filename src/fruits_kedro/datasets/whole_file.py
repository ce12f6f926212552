"""Small files that are there whole or not at all."""

from __future__ import annotations

from typing import Any

from kedro_datasets import json, pandas, text

from fruits_kedro.storage.atomic import recover, written_beside


class WholeFile:
    """Writes a file on a disk under another name first: one that is cut off never shows.

    In a bucket an object appears when all of it has arrived.
    """

    _filepath: Any
    _protocol: str

    def save(self, data: Any) -> None:
        """Replace the file, all or nothing."""
        if self._protocol != "file":
            super().save(data)  # type: ignore[misc]  # of the dataset beside which this one stands
            return
        path = self._filepath
        with written_beside(str(path), {}) as (new, target):
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


class CsvDataset(WholeFile, pandas.CSVDataset):
    """``pandas.CSVDataset``, all or nothing."""


class JsonDataset(WholeFile, json.JSONDataset):
    """``json.JSONDataset``, all or nothing."""


class TextDataset(WholeFile, text.TextDataset):
    """``text.TextDataset``, all or nothing."""
