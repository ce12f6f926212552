"""Small files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from typing import Any

from kedro_datasets import json, pandas

from fruits_kedro.datasets.replace import recover


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
        target = self._filepath
        new = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
        self._filepath = new
        try:
            super().save(data)  # type: ignore[misc]
            os.replace(new, target)
        finally:
            self._filepath = target
            if os.path.exists(new):
                os.remove(new)

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this file."""
        if self._protocol == "file":
            recover(str(self._filepath), {})


class CsvDataset(WholeFile, pandas.CSVDataset):
    """``pandas.CSVDataset``, all or nothing."""


class JsonDataset(WholeFile, json.JSONDataset):
    """``json.JSONDataset``, all or nothing."""
