"""The most similar photos of each photo: exact, or by an index of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.curation.vectors import Vectors

_SAMPLE = 500  # photos, on which the index is compared with the exact neighbours
_TRAIN_A_CELL = 39  # photos, that faiss asks for at least
_MORE = 2  # times as many candidates as neighbours get their exact similarity
_BATCH = 2048

Track = Callable[[Sequence[int]], Iterable[int]]
Matrix = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Matrix]  # indices and cosines: (photos, k)


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each photo, the most similar first.

    Attributes:
        indices: ``(photos, k)``, int64: rows of the vectors.
        cosines: ``(photos, k)``, float32.
        method: ``exact``; ``ivf``: an index of cells; or ``incremental``: those of an earlier
            curation, and of what has changed.
        recall: the share of the exact neighbours that was found, on a sample.
        sampled: size of the sample; 0 where all pairs were compared.
        probes: cells that a query looked into; 0 where all pairs were compared.
    """

    indices: NDArray[np.int64]
    cosines: Matrix
    method: str
    recall: float = 1.0
    sampled: int = 0
    probes: int = 0


def find_neighbours(
    vectors: Vectors, k: int, exact_images: int, recall: float, seed: int, track: Track = iter
) -> Neighbours:
    """The ``k`` most similar photos of each, by cosine; fewer where there are not so many photos.

    Args:
        exact_images: up to so many photos, every pair is compared. Beyond, the index of faiss
            (IVF, vectors in 8 bits) names candidates, whose cosines are those of the vectors.
        recall: the index looks into more cells until it finds this share of the exact neighbours.
        seed: of the sample.
        track: passes on the numbers of the first photos of the batches, and shows that they come.
    """
    import faiss

    k = min(k, len(vectors) - 1)
    if k < 1:
        return Neighbours(
            np.empty((len(vectors), 0), np.int64), np.empty((len(vectors), 0), "f"), "exact"
        )
    if len(vectors) <= exact_images:
        index = faiss.IndexFlatIP(vectors.matrix.shape[1])
        index.add(vectors.rows(slice(None)))
        return Neighbours(*_search(index, vectors, k, track=track), "exact")
    index, found, sampled = calibrated_index(vectors, k, recall, seed)
    return Neighbours(*_search(index, vectors, k, track=track), "ivf", found, sampled, index.nprobe)


def calibrated_index(vectors: Vectors, k: int, recall: float, seed: int) -> tuple[Any, float, int]:
    """An index that looks into as many cells as it takes; its recall, and the sample's size."""
    index = build_index(vectors, seed)
    sample = vectors.sample(_SAMPLE, seed)
    _, exact = exact_search(vectors, sample, k)
    index.nprobe = 4
    while True:
        index.nprobe = min(2 * index.nprobe, index.nlist)
        _, cosines = _search(index, vectors, k, sample)
        found = _share(cosines, exact)
        if found >= recall or index.nprobe == index.nlist:
            return index, found, len(sample)


def build_index(vectors: Vectors, seed: int) -> Any:
    """An index of faiss over all vectors: cells around centroids, vectors in 8 bits."""
    import faiss

    n, d = vectors.matrix.shape
    cells = max(1, int(2 * np.sqrt(n)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(d), d, cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1
    index.train(vectors.rows(vectors.sample(_TRAIN_A_CELL * cells, seed)))
    for rows in vectors.batches():
        index.add(rows)
    return index


def _share(cosines: Matrix, exact: Matrix) -> float:
    """How many of the photos that were found are as near as those that are to be found."""
    return float((cosines >= exact[:, -1:] - 1e-6).mean())


def recall_of(vectors: Vectors, found: Found, seed: int) -> tuple[float, int]:
    """The share of the exact neighbours that was found, on a sample; and its size."""
    sample = vectors.sample(_SAMPLE, seed)
    _, exact = exact_search(vectors, sample, found[0].shape[1])
    return _share(found[1][sample], exact), len(sample)


def exact_search(vectors: Vectors, which: NDArray[np.int64], k: int) -> Found:
    """The ``k`` nearest photos of some, which are compared with all others."""
    queries = vectors.rows(which)
    indices = np.full((len(which), k), -1)
    cosines = np.full((len(which), k), -2, np.float32)
    for batch in vectors.slices():
        found = queries @ vectors.rows(batch).T
        own = (which >= batch.start) & (which < batch.stop)
        found[own, which[own] - batch.start] = -2
        columns = np.broadcast_to(np.arange(batch.start, batch.stop), found.shape)
        every = np.hstack([indices, columns]), np.hstack([cosines, found])
        indices, cosines = closest(*every, k)
    return indices, cosines


def closest(indices: NDArray[np.int64], cosines: Matrix, k: int) -> Found:
    """The ``k`` largest cosines of each row and their indices, the largest first."""
    if cosines.shape[1] > 4 * k:  # far from sorting all
        some = np.argpartition(-cosines, k, axis=1)[:, : k + 1]
        indices = np.take_along_axis(indices, some, 1)
        cosines = np.take_along_axis(cosines, some, 1)
    best = np.lexsort((indices, -cosines))[:, :k]
    return np.take_along_axis(indices, best, 1), np.take_along_axis(cosines, best, 1)


def _search(
    index: Any,
    vectors: Vectors,
    k: int,
    which: NDArray[np.int64] | None = None,
    track: Track = iter,
) -> Found:
    """Indices and cosines of the neighbours of some photos, or of all."""
    which = np.arange(len(vectors)) if which is None else which
    indices = np.empty((len(which), k), np.int64)
    cosines = np.empty((len(which), k), np.float32)
    for start in track(range(0, len(which), _BATCH)):
        batch = slice(start, start + _BATCH)
        indices[batch], cosines[batch] = _search_batch(index, vectors, k, which[batch])
    return indices, cosines


def _search_batch(index: Any, vectors: Vectors, k: int, which: NDArray[np.int64]) -> Found:
    import faiss

    queries = vectors.rows(which)
    if not hasattr(index, "nprobe"):
        cosines, found = index.search(queries, k + 1)
    else:
        found = index.search(queries, _MORE * k + 1)[1]
        if few := np.flatnonzero((found >= 0).sum(axis=1) <= k).tolist():  # their cells are small
            every = faiss.SearchParametersIVF(nprobe=index.nlist)  # type: ignore[call-arg]
            found[few] = index.search(queries[few], _MORE * k + 1, params=every)[1]
        cosines = _cosines(vectors, queries, found)
    cosines[(found == which[:, None]) | (found < 0)] = -2  # itself, or nothing
    return closest(found, cosines, k)


def _cosines(vectors: Vectors, queries: Matrix, found: NDArray[np.int64]) -> Matrix:
    """The exact cosine of each query with each of its candidates."""
    cosines = np.empty(found.shape, np.float32)
    for i, (query, candidates) in enumerate(zip(queries, found, strict=True)):
        cosines[i] = vectors.rows(np.maximum(candidates, 0)) @ query  # -1 is none
    return cosines
