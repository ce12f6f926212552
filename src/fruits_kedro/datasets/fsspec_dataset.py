"""The base of the project's datasets: a location that fsspec knows."""

from __future__ import annotations

from typing import Any, TypeVar

from kedro.io import AbstractDataset

from fruits_kedro.storage.filesystem import file_system, local_path
from fruits_kedro.storage.s3 import for_fsspec

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class FsspecDataset(AbstractDataset[_In, _Out]):
    """A dataset that is a file or a folder, on a disk or in a bucket.

    Args:
        filepath: a local path or a URL that fsspec knows.
        credentials: for fsspec, or an entry of ``credentials.yml`` in AWS' words.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        # Not _filepath: Kedro-Viz would ask a bucket for its size, without keys, after each save.
        self._place = filepath
        self._credentials = for_fsspec(credentials)
        self.metadata = metadata

    @property
    def location(self) -> str:
        """The path or URL."""
        return local_path(self._place).replace("s3a://", "s3://")

    @property
    def credentials(self) -> dict[str, Any]:
        """The options for fsspec."""
        return self._credentials

    def _exists(self) -> bool:
        fs, path = file_system(self._place, self._credentials)
        return bool(fs.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._place}
