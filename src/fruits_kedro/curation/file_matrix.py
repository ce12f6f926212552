"""A matrix in a temporary file, of which only the rows that are asked for come into memory."""

from __future__ import annotations

import tempfile
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FileMatrix:
    """A matrix that is read and written by rows, float16 by default; the file goes with it.

    A memory map would do, but the system counts each page that was read as the process' memory, and
    maps many pages for one row.
    """

    def __init__(self, shape: tuple[int, int], dtype: type[np.floating] = np.float16) -> None:
        self.shape = shape
        self._dtype = dtype
        self._row_bytes = np.dtype(dtype).itemsize * shape[1]
        self._file: Any = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed with it
        self._file.truncate(shape[0] * self._row_bytes)
        self._lock = threading.Lock()  # the file has one position for all threads

    def __getitem__(self, which: slice | NDArray[np.int64]) -> NDArray[np.floating]:
        """The rows of a slice without a step, or of indices."""
        if isinstance(which, slice):
            start, stop, _ = which.indices(self.shape[0])
            found = np.empty((stop - start, self.shape[1]), self._dtype)
            self._read(start, found)
        else:
            found = np.empty((len(which), self.shape[1]), self._dtype)
            for i, row in enumerate(which.tolist()):
                self._read(row, found[i])
        return found

    def __setitem__(self, which: slice | NDArray[np.int64], rows: NDArray[np.floating]) -> None:
        """Write the rows of a slice without a step, or of indices."""
        values = rows.astype(self._dtype)
        if isinstance(which, slice):
            self._write(which.indices(self.shape[0])[0], values)
        else:
            for i, row in enumerate(which.tolist()):
                self._write(row, values[i])

    def _read(self, row: int, into: NDArray[np.floating]) -> None:
        left = into.data.cast("B")
        with self._lock:
            self._file.seek(row * self._row_bytes)
            while left:
                left = left[self._file.readinto(left) :]

    def _write(self, row: int, values: NDArray[np.floating]) -> None:
        left = values.data.cast("B")
        with self._lock:
            self._file.seek(row * self._row_bytes)
            while left:
                left = left[self._file.write(left) :]
