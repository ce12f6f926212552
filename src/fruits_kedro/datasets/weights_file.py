"""Weights of a backbone, as a Kedro dataset."""

from __future__ import annotations

from pathlib import Path

from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.datasets.base import AtomicFsspecDataset


class WeightsFileDataset(AtomicFsspecDataset[WeightsFile, WeightsFile]):
    """A ``.npz`` file of weights on a local disk, usable as ``extraction.weights``."""

    def load(self) -> WeightsFile:
        """The weights and notes."""
        return WeightsFile.read(Path(self._newest))

    def save(self, data: WeightsFile) -> None:
        """Replace the file atomically."""
        with self._new_version() as (_, version):
            data.write(Path(version.new))
