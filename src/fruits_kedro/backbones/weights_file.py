"""Weights in a file of plain arrays: numpy's npz, without pickle, as float32 or float16."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.storage.filesystem import write_atomic

_INFO = "info.json"


@dataclass(frozen=True)
class WeightsFile:
    """A model's arrays by their path in it (``Conv1/kernel``), and notes.

    Attributes:
        weights: float32; kernels float32 or float16.
        info: anything JSON holds; ``input_size`` is the size the weights were trained for.
    """

    weights: dict[str, NDArray[Any]]
    info: dict[str, Any]

    @classmethod
    def of(cls, weights: dict[str, NDArray[Any]], info: dict[str, Any], dtype: str) -> WeightsFile:
        """Weights whose kernels are ``float32`` or ``float16``; all else stays float32."""
        stored = {
            name: array.astype(dtype if array.ndim > 1 else np.float32)
            for name, array in weights.items()
        }
        return cls(stored, info)

    def to_bytes(self) -> bytes:
        """The content of a ``.npz`` file; equal weights and notes give equal bytes."""
        text = np.frombuffer(json.dumps(self.info, sort_keys=True).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, **{_INFO: text}, **self.weights)  # type: ignore[arg-type]
        return buffer.getvalue()

    def write(self, path: Path) -> None:
        """Write a ``.npz`` file atomically."""
        write_atomic(path, self.to_bytes())

    @classmethod
    def read(cls, path: Path) -> WeightsFile:
        """The weights and notes in a file.

        Raises:
            Exception: the file does not hold any. zip, JSON and numpy raise many types.
        """
        return cls.from_bytes(path.read_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> WeightsFile:
        """The weights and notes in a file's content; raises as :meth:`read` does."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files if name != _INFO}
            return cls(weights, _notes(file))

    @staticmethod
    def read_info(path: Path) -> dict[str, Any]:
        """The notes alone; raises as :meth:`read` does."""
        with np.load(path, allow_pickle=False) as file:
            return _notes(file)


def _notes(file: Any) -> dict[str, Any]:
    return dict(json.loads(file[_INFO].tobytes()))
