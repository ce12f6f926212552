"""A dataset that stays in memory after it is loaded or saved."""

from __future__ import annotations

from typing import Any

from kedro import io


class CachedDataset(io.CachedDataset):
    """Kedro's ``CachedDataset`` with the location of its dataset."""

    _dataset: Any

    @property
    def location(self) -> str | None:
        """The path or URL."""
        return getattr(self._dataset, "location", None)

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        self._dataset.recover()
