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
        scatter: shape ``(d, d)``: sum of the outer products of the centred rows.

    Batches are centred, then merged by the update of Chan, Golub & LeVeque (1979), "Updating
    formulae and a pairwise algorithm for computing sample variances". Without sums of uncentred
    squares nothing cancels.
    """

    count: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def none(cls, n_features: int) -> Moments:
        """Moments of no rows."""
        return cls(0, np.zeros(n_features), np.zeros((n_features, n_features)))

    def add_rows(self, rows: NDArray[np.floating]) -> None:
        """Add rows of shape ``(n, d)``, ``n`` at least 1, in place."""
        n = len(rows)
        values = np.empty((n + 1, rows.shape[1]))
        values[:n] = rows
        mean = values[:n].mean(axis=0)
        values[:n] -= mean
        values[n] = np.sqrt(self._weight(n)) * (mean - self.mean)  # one more row: the means differ
        self._shift_mean(mean, n)
        self.scatter += values.T @ values  # BLAS' syrk: half the products

    def add(self, other: Moments) -> None:
        """Add the rows of other moments, in place."""
        delta = other.mean - self.mean
        self.scatter += other.scatter
        for row, scaled in zip(self.scatter, self._weight(other.count) * delta):
            row += scaled * delta
        self._shift_mean(other.mean, other.count)

    def _weight(self, n: int) -> float:
        return self.count * n / (self.count + n)

    def _shift_mean(self, mean: NDArray[np.float64], n: int) -> None:
        self.count += n
        self.mean += (mean - self.mean) * (n / self.count)
