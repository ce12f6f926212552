"""A classifier with a linear score for each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class Linear:
    """Probabilities are the softmax of ``weights · x + bias``.

    Attributes:
        weights: ``(classes, features)``.
        bias: ``(classes,)``.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, matrix: Matrix) -> NDArray[np.float64]:
        """``weights · x + bias``, shape ``(rows, classes)``."""
        found: NDArray[np.float64] = matrix @ self.weights.T + self.bias
        return found

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(rows, classes)``."""
        scores = self.scores(matrix)
        exp = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = exp / exp.sum(axis=1, keepdims=True)
        return found

    def distances(self, matrix: Matrix) -> NDArray[np.float64]:
        """Euclidean, from each row to the nearest centroid, where this is the nearest centroid.

        The largest score s is c·x - |c|²/2, so the squared distance is |x|² - 2 s.
        """
        square = np.square(matrix.astype(np.float64)).sum(axis=1)
        return np.sqrt(np.maximum(square - 2 * self.scores(matrix).max(axis=1), 0))
