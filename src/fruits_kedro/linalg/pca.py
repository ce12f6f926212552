"""Principal components from moments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.moments import Moments


@dataclass(frozen=True)
class Pca:
    """A fitted PCA of ``d`` features and ``k`` components, in float64.

    Attributes:
        mean: shape ``(d,)``.
        scale: shape ``(d,)``: divisor of the centred features (ones unless standardized).
        components: shape ``(d, k)``: one component of length 1 per column; its loading of largest
            magnitude is positive.
        variance_explained: shape ``(k,)``: share of the total variance.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    components: NDArray[np.float64]
    variance_explained: NDArray[np.float64]

    @property
    def n_components(self) -> int:
        """How many components there are."""
        return self.components.shape[1]

    @property
    def standardized(self) -> bool:
        """Whether the features are divided by their standard deviations."""
        return bool((self.scale != 1).any())

    @property
    def fingerprint(self) -> str:
        """A name: a hash of the components."""
        return hashlib.sha256(self.components.tobytes()).hexdigest()[:16]

    def transform(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """The scores of rows of shape ``(n, d)``, or of one row: ``(n, k)``, or ``(k,)``."""
        scores: NDArray[np.float64] = ((rows - self.mean) / self.scale) @ self.components
        return scores


def check_n_components(n_components: int | float, rows: int, n_features: int) -> None:
    """Raise FruitsError if so many rows of so many features have fewer components."""
    limit = min(rows, n_features)
    if isinstance(n_components, int) and n_components > limit:
        raise FruitsError(
            f"pca.n_components={n_components} is more than PCA can give: {rows} Training images "
            f"of {n_features} features allow {limit} at most.\n"
            f"Give pca.n_components={limit} or less, a share such as 0.95, or more images."
        )


def fit_pca(moments: Moments, n_components: int | float, standardize: bool) -> Pca:
    """An exact PCA, from the eigenvectors of the covariance (or correlation) matrix.

    Args:
        moments: of the training rows.
        n_components: how many (int), or a share of variance (float): the fewest components whose
            cumulative share exceeds it, as in scikit-learn.
        standardize: divide by the population's standard deviation, as scikit-learn's
            StandardScaler; a constant feature is divided by 1.

    Raises:
        FruitsError: more components than rows or features, or rows that are all alike.
    """
    count, n_features = moments.count, len(moments.mean)
    check_n_components(n_components, count, n_features)
    scale = np.ones(n_features)
    scatter = moments.scatter
    if standardize:
        deviation = np.sqrt(np.diagonal(scatter) / count)
        scale[deviation > 0] = deviation[deviation > 0]
        scatter = scatter / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scatter)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    values[min(count, n_features) :] = 0  # beyond the rank: rounding errors
    noise = count * np.square(moments.mean / scale).sum() * np.finfo(float).eps ** 2 * n_features
    if not values.sum() > noise:
        raise FruitsError(
            f"PCA needs Training images that differ: the features of the {count} usable ones are "
            "all alike.\nGive more photos, or another subset."
        )
    shares = values / values.sum()
    k = n_components if isinstance(n_components, int) else _fewest(shares, n_components)
    components = vectors[:, :k]
    largest = np.abs(components).argmax(axis=0)
    components = components * np.sign(components[largest, np.arange(k)])
    return Pca(moments.mean, scale, components, shares[:k])


def _fewest(shares: NDArray[np.float64], share: float) -> int:
    above = int(np.searchsorted(np.cumsum(shares), share, side="right"))
    return min(above + 1, int(np.count_nonzero(shares)))
