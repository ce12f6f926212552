"""The features of all photos on the driver, each scaled to length 1."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.curation.file_matrix import FileMatrix
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.schema import ADDED
from fruits_kedro.images.quality import ImageQuality

_BATCH = 8192  # rows: 42 MB of 1280 float32

Matrix = NDArray[np.float32] | FileMatrix
Read = Callable[[list[str]], Iterable[pa.RecordBatch]]


@dataclass(frozen=True)
class Vectors:
    """Photos and their features; a dot product of two rows is their cosine similarity.

    Attributes:
        photos: ``path, split, label, pixels`` (a hash of the features, which are equal bit for bit
            where the pixels are), ``content_hash`` and the figures of ``ImageQuality`` (null where
            an earlier version extracted them); ordered by path.
        matrix: ``(photos, features)``; float32, or float16 in a file where there are many photos.
        fingerprint: of the backbone.
    """

    photos: pd.DataFrame
    matrix: Matrix
    fingerprint: str

    def __len__(self) -> int:
        return len(self.photos)

    def rows(self, which: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Some rows, in float32."""
        return np.ascontiguousarray(self.matrix[which], np.float32)

    def batches(self, rows: int = _BATCH) -> Iterator[NDArray[np.float32]]:
        """The rows, in order."""
        for start in range(0, len(self), rows):
            yield self.rows(slice(start, start + rows))

    def draw(self, rows: int, seed: int) -> NDArray[np.float32]:
        """So many of the rows, or all, drawn by the seed; in order."""
        n = len(self)
        drawn = np.random.default_rng(seed).choice(n, min(n, rows), replace=False)
        return self.rows(np.sort(drawn))


def read_vectors(read: Read, in_memory: int) -> Vectors:
    """The vectors of photos.

    Args:
        read: batches of some of the columns ``path, split, label, features, fingerprint,
            content_hash, quality``, the last two of which may be missing; each time with the rows
            in the same order.
        in_memory: up to so many photos, the matrix is in memory.

    Raises:
        FruitsError: there is no photo, or the features are of more than one backbone.
    """
    about = ["path", "split", "label", "fingerprint", *ADDED]
    batches = [batch for batch in read(about) if batch.num_rows]
    if not batches:
        raise FruitsError("The store has no photo with features.\nRun 'kedro run' first.")
    table = pa.Table.from_batches(batches).flatten()  # the struct ``quality`` into columns
    photos = table.rename_columns([n.removeprefix("quality.") for n in table.column_names])
    columns = [*about[:-1], *ImageQuality._fields]
    photos = photos.to_pandas().reindex(columns=columns)
    backbones = sorted(photos.pop("fingerprint").unique())
    if len(backbones) > 1:
        raise FruitsError(
            f"The store's features are of several backbones: {', '.join(backbones)}.\n"
            "Extract all photos again: kedro run --params extraction.incremental=false"
        )
    place = photos["path"].rank(method="first").to_numpy(np.int64) - 1
    photos = photos.iloc[np.argsort(place)].reset_index(drop=True)
    matrix, photos["pixels"] = _read_matrix(read, place, on_disk=len(photos) > in_memory)
    return Vectors(photos, matrix, backbones[0])


def _read_matrix(
    read: Read, place: NDArray[np.int64], on_disk: bool
) -> tuple[Matrix, NDArray[np.uint64]]:
    """The matrix with each row at its place, and a hash of each row as it was read."""
    matrix: Matrix = np.empty((0, 0), np.float32)
    hashes = np.empty(len(place), np.uint64)
    done = 0
    for batch in read(["features"]):
        if not batch.num_rows:
            continue
        values = batch.column(0).flatten().to_numpy(zero_copy_only=False)
        rows = values.reshape(batch.num_rows, -1)
        if not done:
            matrix = empty_matrix((len(place), rows.shape[1]), on_disk)
        there = place[done : done + len(rows)]
        hashes[there] = [_hash(row) for row in rows]
        matrix[there] = normalised(rows)
        done += len(rows)
    return matrix, hashes


def normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows, scaled to length 1; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.where(lengths > 0, lengths, 1), dtype=np.float32)


def usable_rows(read: Read, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of the photos of the subset that have features."""
    for batch in read([*columns, "error", "in_subset"]):
        usable = batch.column("error").is_null()
        if "in_subset" in batch.schema.names:  # stores of before lack it
            usable = pa.compute.and_(usable, batch.column("in_subset"))
        there = [name for name in columns if name in batch.schema.names]
        yield batch.filter(usable).select(there)


def _hash(row: NDArray[np.float32]) -> int:
    return int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")


def empty_matrix(shape: tuple[int, int], on_disk: bool) -> Matrix:
    """A matrix that is to be filled: in memory, or in a file."""
    return FileMatrix(shape) if on_disk else np.empty(shape, np.float32)
