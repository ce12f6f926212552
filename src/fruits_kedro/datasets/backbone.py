"""A compiled backbone as a Kedro dataset."""

from __future__ import annotations

import logging
from contextlib import suppress

from fruits_kedro.backbones import Backbone
from fruits_kedro.backbones.backbone_file import FORMERLY, from_bytes, to_bytes
from fruits_kedro.datasets.base import AtomicFsspecDataset
from fruits_kedro.storage.filesystem import file_system, write_file

logger = logging.getLogger(__name__)


class BackboneDataset(AtomicFsspecDataset[Backbone, Backbone | None]):
    """A ``.backbone`` file on a disk or in a bucket; on a disk it can be ``extraction.weights``."""

    def load(self) -> Backbone | None:
        """The backbone; None if the file is missing or cannot be read."""
        fs, path = file_system(self._newest, self._credentials)
        folder, _, name = path.rpartition("/")
        for known in (name, FORMERLY):
            with suppress(FileNotFoundError):
                content = fs.cat_file(f"{folder}/{known}")
                break
        else:
            return None
        try:
            return from_bytes(content)
        except Exception:  # zip, JSON and numpy raise many types
            logger.warning("%s is not a compiled backbone: it is made anew", self._place)
            return None

    def save(self, data: Backbone) -> None:
        """Replace the file atomically."""
        with self._new_version() as (_, version):
            write_file(version.fs, version.new, to_bytes(data))
