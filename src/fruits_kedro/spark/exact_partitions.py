"""Rows into the partitions that they are meant for: Spark itself goes by a hash or by a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def partition_key(partitions: int, number: str) -> str:
    """SQL for the value by whose hash ``repartition`` sends a row to a partition of one's choice.

    Args:
        partitions: how many there are: ``frame.repartition(partitions, key)``.
        number: SQL for the number of the partition wanted, from 0; a whole number.
    """
    keys = ",".join(map(str, _keys(partitions)))
    return f"element_at(cast(split('{keys}', ',') as array<int>), cast({number} as int) + 1)"


def _keys(partitions: int) -> NDArray[np.int64]:
    """For each partition the least int that Spark's hash partitioning sends there."""
    tried = 16 * partitions
    while True:
        found, first = np.unique(_hash(tried).astype(np.int64) % partitions, return_index=True)
        if len(found) == partitions:
            return first
        tried *= 2


def _hash(n: int) -> NDArray[np.int32]:
    """Spark SQL's ``hash`` of the ints below n: 32-bit MurmurHash3 with 42 as its seed."""
    k = np.arange(n, dtype=np.uint32) * np.uint32(0xCC9E2D51)
    h = np.uint32(42) ^ (_rotate(k, 15) * np.uint32(0x1B873593))
    h = _rotate(h, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    h ^= np.uint32(4)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return h.view(np.int32)


def _rotate(x: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))
