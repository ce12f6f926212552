"""The features of all photos on the driver, each scaled to length 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.curation.file_matrix import FileMatrix
from fruits_kedro.curation.photos import Photos
from fruits_kedro.features.rows import Read, feature_rows, normalised

_BATCH = 8192  # rows: 42 MB of 1280 float32

Matrix = NDArray[np.float32] | FileMatrix


@dataclass(frozen=True)
class Vectors:
    """The features of photos; a dot product of two rows is their cosine similarity.

    Attributes:
        photos: ``path, split, label, pixels`` and more: the table of :class:`Photos`.
        matrix: ``(photos, features)``; float32, or float16 in a file where there are many photos.
    """

    photos: pd.DataFrame
    matrix: Matrix

    def __len__(self) -> int:
        return len(self.photos)

    def rows(self, which: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Some rows, in float32."""
        return np.ascontiguousarray(self.matrix[which], np.float32)

    def batches(self, rows: int = _BATCH) -> Iterator[NDArray[np.float32]]:
        """The rows, in order."""
        return map(self.rows, self.slices(rows))

    def slices(self, rows: int = _BATCH) -> Iterator[slice]:
        """Of which rows each batch is."""
        for start in range(0, len(self), rows):
            yield slice(start, min(start + rows, len(self)))

    def sample(self, rows: int, seed: int) -> NDArray[np.int64]:
        """So many of the row numbers, or all, drawn by the seed; in order."""
        n = len(self)
        return np.sort(np.random.default_rng(seed).choice(n, min(n, rows), replace=False))


def read_vectors(read: Read, photos: Photos, in_memory: int) -> Vectors:
    """The vectors of photos, in their order.

    Args:
        read: batches, none of them empty, of ``path, features``.
        in_memory: up to so many photos, the matrix is in memory.
    """
    matrix: Matrix | None = None
    places = pd.Index(photos.table["path"])
    for batch in read(["path", "features"]):
        rows = feature_rows(batch)
        if matrix is None:
            shape = (len(photos), rows.shape[1])
            on_disk = len(photos) > in_memory
            matrix = FileMatrix(shape) if on_disk else np.empty(shape, np.float32)
        matrix[places.get_indexer(batch.column("path").to_pylist())] = normalised(rows)
    assert matrix is not None
    return Vectors(photos.table, matrix)
