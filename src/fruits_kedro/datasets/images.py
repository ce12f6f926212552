"""Photos as a Kedro dataset: a folder or packed ones."""

from __future__ import annotations

from typing import NoReturn

from kedro.io import DatasetError

from fruits_kedro.datasets.base import FsspecDataset
from fruits_kedro.images.packed import open_images
from fruits_kedro.images.source import ImageSource


class ImagesDataset(FsspecDataset[None, ImageSource]):
    """Photos below a root, on a disk or in a bucket; packed ones if its name ends in ``.parquet``.

    Loading lists nothing and reads nothing yet: it returns the
    :class:`~fruits_kedro.images.folder.ImageFolder` or
    :class:`~fruits_kedro.images.packed.PackedImages` that does both.
    """

    def load(self) -> ImageSource:
        """The source that lists and reads the photos; nothing is listed or read yet."""
        return open_images(self._place, self._credentials)

    def save(self, data: None) -> NoReturn:
        """Raise DatasetError: photos are read-only."""
        raise DatasetError("Photos are read-only.")

    def _exists(self) -> bool:
        return self.load().exists()
