"""The checkpoint of a training, as a Kedro dataset."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from kedro.io import DatasetError

from fruits_kedro.datasets.base import FsspecDataset
from fruits_kedro.errors import FruitsError
from fruits_kedro.pretraining import Checkpoint


class TrainingCheckpointDataset(FsspecDataset[None, Checkpoint]):
    """A folder on a local disk. Loading returns the handle that a training saves through."""

    def load(self) -> Checkpoint:
        """The handle of the checkpoint; FruitsError unless the folder is on a local disk."""
        if "://" in self._place:
            raise FruitsError(
                f"A training keeps its checkpoint on a local disk, not in {self._place}.\n"
                "Give --params store=<folder>."
            )
        return Checkpoint(Path(self._place))

    def save(self, data: None) -> NoReturn:
        """Raise DatasetError: only the training saves a checkpoint."""
        raise DatasetError("A checkpoint is saved by the training.")

    def _exists(self) -> bool:
        return self.load().path.is_file()
