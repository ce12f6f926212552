"""Pairs of photos that are nearly the same, by their thumbnails."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.images.thumbnail import SIDE

_AXES = 16  # principal components, along which no two photos are further apart than they are
_SAMPLE = 20_000  # photos, of which they are
_ROWS, _COLUMNS = 1024, 8192  # of the distances that are in memory at once
_PAIRS = 65_536  # whose thumbnails are

Thumbnails = NDArray[np.uint8]
Pairs = NDArray[np.int64]  # (pairs, 2): rows


def near_pairs(thumbnails: Thumbnails, distance: float) -> Iterator[Pairs]:
    """All pairs of photos, one of them possibly mirrored, that differ by little.

    Pairs whose first principal components differ by more are ruled out, so that few of all pairs
    are compared, and none that belongs here is lost.

    Args:
        thumbnails: ``(photos, SIDE * SIDE)``.
        distance: the root mean square of the differences of their gray values is at most this.

    Yields:
        ``(pairs, 2)``: the rows of the two photos, the smaller one first.
    """
    if len(thumbnails) < 2:
        return
    mirrored = thumbnails.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(thumbnails.shape)
    axes = _principal_axes(thumbnails)
    radius = distance * SIDE
    plain = _project(thumbnails, axes)
    for others, there in ((thumbnails, plain), (mirrored, _project(mirrored, axes))):
        for pairs in _candidates(plain, there, radius):
            for start in range(0, len(pairs), _PAIRS):
                some = pairs[start : start + _PAIRS]
                gaps = thumbnails[some[:, 0]].astype(np.int32) - others[some[:, 1]]
                yield some[np.einsum("ij,ij->i", gaps, gaps) <= radius**2]


def _principal_axes(thumbnails: Thumbnails) -> NDArray[np.float32]:
    """``(SIDE * SIDE, axes)``: orthonormal, the one of the largest variance first."""
    sample = thumbnails[:: -(-len(thumbnails) // _SAMPLE)].astype(np.float32)
    _, axes = np.linalg.eigh(np.cov(sample, rowvar=False))
    return np.ascontiguousarray(axes[:, : -_AXES - 1 : -1], np.float32)


def _project(thumbnails: Thumbnails, axes: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.empty((len(thumbnails), axes.shape[1]), np.float32)
    for start in range(0, len(low), _COLUMNS):
        rows = thumbnails[start : start + _COLUMNS].astype(np.float32) - 128
        low[start : start + _COLUMNS] = rows @ axes
    return low


def _candidates(
    ones: NDArray[np.float32], others: NDArray[np.float32], radius: float
) -> Iterator[Pairs]:
    """Pairs of rows, the smaller one first, that are not further apart than the radius."""
    order, other_order = np.argsort(ones[:, 0]), np.argsort(others[:, 0])
    ones, others = ones[order], others[other_order]
    lengths = np.square(others).sum(axis=1)
    limit = radius**2 + 1e-5 * float(lengths.max())  # float32 is not exact
    for start in range(0, len(ones), _ROWS):
        rows = ones[start : start + _ROWS]
        ends = (rows[0, 0] - radius - 1, rows[-1, 0] + radius + 1)
        first, last = np.searchsorted(others[:, 0], ends)
        for at in range(first, last, _COLUMNS):
            columns = slice(at, min(at + _COLUMNS, last))
            squares = rows @ (-2 * others[columns].T) + lengths[columns]
            found = np.nonzero(squares <= (limit - np.square(rows).sum(axis=1))[:, None])
            pairs = np.stack([order[start + found[0]], other_order[at + found[1]]], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]]
