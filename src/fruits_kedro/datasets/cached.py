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


def stored(dataset: Any) -> Any:
    """The dataset itself, or the one that a ``CachedDataset`` keeps in memory."""
    return dataset._dataset if isinstance(dataset, CachedDataset) else dataset
