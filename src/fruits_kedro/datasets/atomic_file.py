"""Small files that are written atomically."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pandas as pd
from kedro_datasets import json, pandas, text

from fruits_kedro.datasets.formulas import shield, unshield
from fruits_kedro.storage.atomic import atomic_replace, recover


class AtomicFile:
    """Makes ``save`` of a file dataset atomic.

    On a disk the file is written under another name, then renamed. In a bucket an object appears
    only when it is complete.
    """

    _filepath: Any
    _protocol: str

    @property
    def location(self) -> str:
        """The path or URL."""
        place = str(self._filepath)
        return place if self._protocol == "file" else f"{self._protocol}://{place}"

    def save(self, data: Any) -> None:
        """Replace the file atomically."""
        if self._protocol != "file":
            super().save(data)  # type: ignore[misc]  # the other base class's
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
    """``json.JSONDataset`` with atomic writes."""


class TextDataset(AtomicFile, text.TextDataset):
    """``text.TextDataset`` with atomic writes."""


def _map_text(data: pd.DataFrame, function: Callable[[str], str]) -> pd.DataFrame:
    texts = data.select_dtypes(["object", "string"]).columns
    change = {
        name: data[name].map(lambda value: function(value) if isinstance(value, str) else value)
        for name in texts
    }
    return data.assign(**change)
