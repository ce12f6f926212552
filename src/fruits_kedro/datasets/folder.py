"""What the datasets of a whole folder share."""

from __future__ import annotations

from typing import Any, TypeVar

from kedro.io import AbstractDataset

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class FolderDataset(AbstractDataset[_In, _Out]):
    """A dataset that is a folder, on a disk or in a bucket."""

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Name a folder.

        Args:
            filepath: a local folder or a URL that fsspec knows.
            credentials: for fsspec.
            metadata: for Kedro's plugins.
        """
        self._filepath = filepath
        self._credentials = credentials or {}
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
