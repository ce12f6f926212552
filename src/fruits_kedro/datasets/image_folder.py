"""A folder of photos as a Kedro dataset."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from fruits_kedro.image_folder import ImageFolder


class ImageFolderDataset(AbstractDataset[None, ImageFolder]):
    """Photos below a root, on a disk or in a bucket.

    Loading lists nothing and reads nothing yet: it returns the
    :class:`~fruits_kedro.image_folder.ImageFolder` that does both.
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Name a folder.

        Args:
            filepath: the root: a local folder or a URL that fsspec knows.
            credentials: storage options for fsspec.
            metadata: for Kedro's plugins.
        """
        self._filepath = filepath
        self._credentials = credentials or {}
        self.metadata = metadata

    def load(self) -> ImageFolder:
        """Return the folder."""
        return ImageFolder(self._filepath, self._credentials)

    def save(self, data: None) -> NoReturn:
        """Raise DatasetError: photos are read-only."""
        raise DatasetError("Photos are read-only.")

    def _exists(self) -> bool:
        folder = self.load()
        return bool(folder._fs.exists(folder._base))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
