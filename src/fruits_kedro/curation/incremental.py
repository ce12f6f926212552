"""Neighbours that an earlier curation found, for photos that are as they were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from fruits_kedro.curation.neighbours import Found, closest, exact_search
from fruits_kedro.curation.photos import Read
from fruits_kedro.curation.vectors import Vectors

_MOST = 4096  # photos that are compared with all others; their cosines are in memory


def update(vectors: Vectors, read: Read, k: int) -> Found | None:
    """The neighbours of all photos, by comparing only what has changed; None if that is much.

    New photos, and those that have lost a neighbour, are compared with all; all others with the new
    ones.

    Args:
        read: batches of what an earlier curation found: ``path, rank, neighbour, cosine, pixels``
            (of the photo).
        k: neighbours of each.
    """
    indices = np.full((len(vectors), k), -1)  # -1: not known, or not as it was
    cosines = np.zeros((len(vectors), k), np.float32)
    is_new = np.ones(len(vectors), bool)
    places, pixels = pd.Index(vectors.photos["path"]), vectors.photos["pixels"].to_numpy()
    for batch in read(["path", "rank", "neighbour", "cosine", "pixels"]):
        if "pixels" not in batch.schema.names:
            continue
        rows = places.get_indexer(batch.column("path").to_pylist())
        rank = batch.column("rank").to_numpy() - 1
        same = (rows >= 0) & (pixels[rows] == batch.column("pixels").to_numpy())
        is_new[rows[same]] = False
        wanted = same & (rank < k)
        others = places.get_indexer(batch.column("neighbour").filter(pa.array(wanted)).to_pylist())
        indices[rows[wanted], rank[wanted]] = others
        cosines[rows[wanted], rank[wanted]] = batch.column("cosine").to_numpy()[wanted]
    indices[is_new[indices]] = -1  # also of those that are -1 already
    searched = is_new | (indices < 0).any(axis=1)
    if searched.sum() > min(_MOST, len(vectors) // 2):
        return None
    which, fresh = np.flatnonzero(searched), np.flatnonzero(is_new)
    if len(which):
        indices[which], cosines[which] = exact_search(vectors, which, k)
    if len(fresh):
        new = vectors.rows(fresh)
        for some in vectors.slices():
            found = vectors.rows(some) @ new.T
            nearer = (found.max(axis=1) > cosines[some, -1]) & ~searched[some]
            at = np.flatnonzero(nearer) + some.start
            columns = np.broadcast_to(fresh, (len(at), len(fresh)))
            every = np.hstack([indices[at], columns]), np.hstack([cosines[at], found[nearer]])
            indices[at], cosines[at] = closest(*every, k)
    return indices, cosines
