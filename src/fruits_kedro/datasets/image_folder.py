"""A folder of photos as a Kedro dataset."""

from __future__ import annotations

from typing import NoReturn

from kedro.io import DatasetError

from fruits_kedro.datasets.folder import FolderDataset
from fruits_kedro.image_folder import ImageFolder


class ImageFolderDataset(FolderDataset[None, ImageFolder]):
    """Photos below a root, on a disk or in a bucket.

    Loading lists nothing and reads nothing yet: it returns the
    :class:`~fruits_kedro.image_folder.ImageFolder` that does both.
    """

    def load(self) -> ImageFolder:
        """Return the folder."""
        return ImageFolder(self._filepath, self._credentials)

    def save(self, data: None) -> NoReturn:
        """Raise DatasetError: photos are read-only."""
        raise DatasetError("Photos are read-only.")

    def _exists(self) -> bool:
        folder = self.load()
        return bool(folder._fs.exists(folder._base))
