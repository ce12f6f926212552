"""Count, mean and scatter matrix of rows, in one pass and mergeable."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics of rows, in float64.

    Attributes:
        count: number of rows.
        mean: shape ``(d,)``.
        scatter: shape ``(d, d)``: the sum of the outer products of the centred rows.

    Centred batches are merged with the update of Chan, Golub & LeVeque (1979), "Updating
    formulae and a pairwise algorithm for computing sample variances": no sum of squares of
    uncentred values is ever formed, so nothing cancels.
    """

    count: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Moments:
        """Moments of rows of shape ``(n, d)``, ``n`` at least 1."""
        values = rows.astype(np.float64)
        mean = values.mean(axis=0)
        values -= mean
        return cls(len(values), mean, values.T @ values)

    def merge(self, other: Moments) -> Moments:
        """Moments of the rows of both."""
        count = self.count + other.count
        delta = other.mean - self.mean
        weight = self.count * other.count / count
        return Moments(
            count,
            self.mean + delta * (other.count / count),
            self.scatter + other.scatter + weight * np.outer(delta, delta),
        )

    def to_bytes(self) -> bytes:
        """Serialise without pickle (numpy's npz)."""
        buffer = io.BytesIO()
        np.savez(buffer, count=self.count, mean=self.mean, scatter=self.scatter)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Moments:
        """Read what :meth:`to_bytes` wrote."""
        with np.load(io.BytesIO(data)) as arrays:
            return cls(int(arrays["count"]), arrays["mean"], arrays["scatter"])
