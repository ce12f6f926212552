"""Count, mean and scatter matrix of rows, in one pass and mergeable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
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

    def add(self, other: Moments) -> None:
        """Add the rows of another, in place: a scatter matrix has 13 MB for 1280 features."""
        count = self.count + other.count
        delta = other.mean - self.mean
        weight = self.count * other.count / count
        self.scatter += other.scatter
        for row, scaled in zip(self.scatter, weight * delta):
            row += scaled * delta
        self.mean += delta * (other.count / count)
        self.count = count
