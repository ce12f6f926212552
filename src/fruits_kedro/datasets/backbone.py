"""A compiled backbone as a Kedro dataset."""

from __future__ import annotations

import logging

from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.backbones import Backbone
from fruits_kedro.backbones.backbone_file import from_bytes, to_bytes
from fruits_kedro.datasets.fsspec_dataset import FsspecDataset
from fruits_kedro.storage.atomic import atomic_replace, recover
from fruits_kedro.storage.filesystem import file_system

logger = logging.getLogger(__name__)


class BackboneDataset(FsspecDataset[Backbone, Backbone | None]):
    """A ``.backbone`` file on a disk or in a bucket; on a disk it can be ``extraction.weights``."""

    def load(self) -> Backbone | None:
        """The backbone; None if the file is missing or cannot be read."""
        fs, path = file_system(self._place, self._credentials)
        try:
            content = fs.cat_file(path)
        except FileNotFoundError:
            return None
        try:
            return from_bytes(content)
        except Exception:  # zip, JSON and numpy raise many types
            logger.warning("%s is not a compiled backbone: it is made anew", self._place)
            return None

    def save(self, data: Backbone) -> None:
        """Replace the file atomically."""
        fs, path = file_system(self._place, self._credentials)
        if not isinstance(fs, LocalFileSystem):
            fs.pipe_file(path, to_bytes(data))  # an object appears only when it is complete
            return
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with atomic_replace(self._place, self._credentials) as (_, target):
            fs.pipe_file(target.new, to_bytes(data))
            target.replace(target.new)

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this file."""
        recover(self._place, self._credentials)

    def _exists(self) -> bool:
        fs, path = file_system(self._place, self._credentials)
        return bool(fs.exists(path))
