"""Rows of extracted features in batches of Arrow. No pandas in here: the service reads with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Read = Callable[[list[str]], Iterable[pa.RecordBatch]]  # batches of some columns


def usable_rows(read: Read, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of the photos of the subset that have features."""
    for batch in read([*columns, "error", "in_subset"]):
        usable = batch.column("error").is_null()
        if "in_subset" in batch.schema.names:  # stores of before lack it
            usable = pa.compute.and_(usable, batch.column("in_subset"))
        there = [name for name in columns if name in batch.schema.names]
        if (found := batch.filter(usable)).num_rows:
            yield found.select(there)


def feature_rows(batch: pa.RecordBatch) -> NDArray[np.float32]:
    """The features of a batch: ``(rows, n_features)``."""
    values = batch.column("features").flatten().to_numpy(zero_copy_only=False)
    return values.reshape(batch.num_rows, -1)


def normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows, scaled to length 1; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.where(lengths > 0, lengths, 1), dtype=np.float32)
