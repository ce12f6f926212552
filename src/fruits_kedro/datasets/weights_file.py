"""Weights of a backbone as a Kedro dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from fruits_kedro.backbones.weights_file import WeightsFile


class WeightsFileDataset(AbstractDataset[WeightsFile, WeightsFile]):
    """A ``.npz`` file of weights on a local disk, usable as ``extraction.weights``."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name a file."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> WeightsFile:
        """Read the file."""
        return WeightsFile.read(self._filepath)

    def save(self, data: WeightsFile) -> None:
        """Replace the file, all or nothing."""
        data.write(self._filepath)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
