"""The photos that together are least unlike all others: those to label first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.features.rows import normalised
from fruits_kedro.linalg.moments import Moments
from fruits_kedro.linalg.pca import fit_pca

_AXES = 128
_BATCH = 8192


def k_centre(vectors: Vectors, among: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """So many of some photos, in turn: each is the one that is furthest from all before it.

    This is the greedy k-centre (Gonzalez, 1985, "Clustering to minimize the maximum intercluster
    distance"), from the photo nearest to the mean. The distance is the cosine of whitened principal
    components: of the features as they are, a few directions would decide.

    Args:
        among: rows.

    Returns:
        ``(total,)``, rows; all of them if there are not more.
    """
    total = min(total, len(among))
    if len(among) < 3:
        return among[:total]
    moments = Moments.none(vectors.matrix.shape[1])
    batches = [slice(start, start + _BATCH) for start in range(0, len(among), _BATCH)]
    for batch in batches:
        moments.add_rows(vectors.rows(among[batch]))
    if not np.trace(moments.scatter) > len(among) * np.finfo(np.float32).eps ** 2:
        return among[:total]  # all alike
    axes = min(_AXES, len(among) - 1, len(moments.mean))
    pca = fit_pca(moments, axes, standardize=False)
    deviations = np.sqrt(pca.variance_explained)
    kept = deviations > 1e-3 * deviations[0]
    scores = np.empty((len(among), int(kept.sum())), np.float32)
    for batch in batches:
        scores[batch] = pca.transform(vectors.rows(among[batch]))[:, kept] / deviations[kept]
    first = int(np.square(scores).sum(axis=1).argmin())
    scores = normalised(scores)
    chosen = [first]
    closest = scores @ scores[first]
    for _ in range(total - 1):
        closest[chosen[-1]] = np.inf
        chosen.append(int(closest.argmin()))
        np.maximum(closest, scores @ scores[chosen[-1]], out=closest)
    return among[chosen]
