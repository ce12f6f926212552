"""Neighbours that an earlier curation found, for photos that are as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.curation.neighbours import Found, closest, exact_search
from fruits_kedro.curation.photos import Read
from fruits_kedro.curation.vectors import Vectors

_MOST = 4096  # photos that are compared with all others; their cosines are in memory


@dataclass(frozen=True)
class Known:
    """What is known of the present photos' neighbours.

    Attributes:
        indices: ``(photos, k)``, int64: -1 for a neighbour that is not known, or not as it was.
        cosines: ``(photos, k)``, float32.
        fresh: whether each photo is new, or not as it was.
    """

    indices: NDArray[np.int64]
    cosines: NDArray[np.float32]
    fresh: NDArray[np.bool_]


def carry_over(read: Read, photos: pd.DataFrame, k: int) -> Known:
    """The neighbours of an earlier curation.

    Args:
        read: batches of ``path, rank, neighbour, cosine, pixels`` (of the photo).
        photos: ``path, pixels`` of the present photos.
        k: neighbours of each.
    """
    known = Known(
        np.full((len(photos), k), -1),
        np.zeros((len(photos), k), np.float32),
        np.ones(len(photos), bool),
    )
    places, pixels = pd.Index(photos["path"]), photos["pixels"].to_numpy()
    for batch in read(["path", "rank", "neighbour", "cosine", "pixels"]):
        if "pixels" not in batch.schema.names:
            continue
        rows = places.get_indexer(batch.column("path").to_pylist())
        rank = batch.column("rank").to_numpy() - 1
        same = (rows >= 0) & (pixels[rows] == batch.column("pixels").to_numpy())
        known.fresh[rows[same]] = False
        wanted = same & (rank < k)
        others = places.get_indexer(batch.column("neighbour").filter(pa.array(wanted)).to_pylist())
        known.indices[rows[wanted], rank[wanted]] = others
        known.cosines[rows[wanted], rank[wanted]] = batch.column("cosine").to_numpy()[wanted]
    known.indices[known.fresh[known.indices]] = -1  # also of those that are -1 already
    return known


def update(vectors: Vectors, known: Known) -> Found | None:
    """The neighbours of all photos, by comparing only what has changed; None if that is much.

    New photos, and those that have lost a neighbour, are compared with all; all others with the new
    ones.
    """
    indices, cosines = known.indices.copy(), known.cosines.copy()
    k = indices.shape[1]
    searched = known.fresh | (indices < 0).any(axis=1)
    if searched.sum() > min(_MOST, len(vectors) // 2):
        return None
    which, fresh = np.flatnonzero(searched), np.flatnonzero(known.fresh)
    if len(which):
        indices[which], cosines[which] = exact_search(vectors, which, k)
    if len(fresh):
        new = vectors.rows(fresh)
        for batch in vectors.slices():
            found = vectors.rows(batch) @ new.T
            nearer = (found.max(axis=1) > cosines[batch, -1]) & ~searched[batch]
            at = np.flatnonzero(nearer) + batch.start
            columns = np.broadcast_to(fresh, (len(at), len(fresh)))
            every = np.hstack([indices[at], columns]), np.hstack([cosines[at], found[nearer]])
            indices[at], cosines[at] = closest(*every, k)
    return indices, cosines
