"""Pairs of photos that are nearly the same, by their thumbnails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.images.thumbnail import SIDE

_AXES = 16  # principal components, along which no two photos are further apart than they are
_SAMPLE = 20_000  # photos, of which they are
_STRIP = 4  # radii: photos are compared in strips along the first component
_ROWS, _COLUMNS = 512, 2048  # of the distances that are in memory at once
_PAIRS = 65_536  # whose thumbnails are
_BATCH = 8192

Thumbnails = NDArray[np.uint8]
Scores = NDArray[np.float32]
Pairs = NDArray[np.int64]  # (pairs, 2): rows


def near_pairs(
    thumbnails: Thumbnails,
    rows: NDArray[np.int64],
    distance: float,
    wanted: Callable[[Pairs], NDArray[np.bool_]],
) -> Iterator[Pairs]:
    """All pairs of some photos, one of them possibly mirrored, that differ by little.

    Pairs whose first principal components differ by more are ruled out, so that few of all pairs
    are compared, and none that belongs here is lost.

    Args:
        thumbnails: ``(photos, SIDE * SIDE)``.
        rows: of the photos, in order.
        distance: the root mean square of the differences of their gray values is at most this.
        wanted: whether each of some pairs is to be compared.

    Yields:
        ``(pairs, 2)``: the rows of the two photos, the smaller one first.
    """
    if len(rows) < 2:
        return
    axes = _principal_axes(thumbnails[rows[:: -(-len(rows) // _SAMPLE)]])
    radius = distance * SIDE
    plain = _project(thumbnails, rows, axes)
    mirrored = _project(thumbnails, rows, _mirrored(axes.T).T)
    for is_mirrored, others in ((False, plain), (True, mirrored)):
        for found in _candidates(plain, others, radius):
            pairs = rows[found]
            for start in range(0, len(pairs), _PAIRS):
                some = pairs[start : start + _PAIRS]
                some = some[wanted(some)]
                one, other = thumbnails[some[:, 0]], thumbnails[some[:, 1]]
                gaps = one.astype(np.int32) - (_mirrored(other) if is_mirrored else other)
                yield some[np.einsum("ij,ij->i", gaps, gaps) <= radius**2]


def _mirrored(images: NDArray) -> NDArray:
    """Images of ``SIDE`` x ``SIDE``, one a row, each with left and right swapped."""
    return images.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(images.shape)


def _principal_axes(thumbnails: Thumbnails) -> NDArray[np.float32]:
    """``(SIDE * SIDE, axes)``: orthonormal, the one of the largest variance first."""
    _, axes = np.linalg.eigh(np.cov(thumbnails.astype(np.float32), rowvar=False))
    return np.ascontiguousarray(axes[:, : -_AXES - 1 : -1], np.float32)


def _project(thumbnails: Thumbnails, rows: NDArray[np.int64], axes: NDArray[np.float32]) -> Scores:
    scores = np.empty((len(rows), axes.shape[1]), np.float32)
    for start in range(0, len(rows), _BATCH):
        some = thumbnails[rows[start : start + _BATCH]].astype(np.float32)
        scores[start : start + _BATCH] = (some - 128) @ axes
    return scores


def _candidates(ones: Scores, others: Scores, radius: float) -> Iterator[Pairs]:
    """Pairs of rows, the smaller one first, whose scores are not further apart than the radius."""
    order, other_order = np.argsort(ones[:, 0]), np.argsort(others[:, 0])
    first, other_first = ones[order, 0], others[other_order, 0]
    reach = radius + 1  # float32 is not exact
    strips = np.floor((first - first[0]) / (_STRIP * reach))
    ends = [0, *(np.flatnonzero(np.diff(strips)) + 1).tolist(), len(first)]
    for start, stop in itertools.pairwise(ends):
        limits = (first[start] - reach, first[stop - 1] + reach)
        low, high = np.searchsorted(other_first, limits)
        yield from _in_strip(ones, others, order[start:stop], other_order[low:high], radius)


def _in_strip(
    ones: Scores, others: Scores, rows: NDArray[np.int64], columns: NDArray[np.int64], radius: float
) -> Iterator[Pairs]:
    """The same for some rows and columns, of which the second components rule out most."""
    rows = rows[np.argsort(ones[rows, 1])]
    columns = columns[np.argsort(others[columns, 1])]
    second, other_second = ones[rows, 1], others[columns, 1]
    # The squared distance is |a|^2 - 2ab + |b|^2: a product of rows that have the lengths, too.
    lengths = np.square(ones[rows]).sum(axis=1, keepdims=True)
    left = np.hstack([-2 * ones[rows], lengths, np.ones_like(lengths)])
    lengths = np.square(others[columns]).sum(axis=1, keepdims=True)
    right = np.ascontiguousarray(np.hstack([others[columns], np.ones_like(lengths), lengths]).T)
    limit = radius**2 + 1e-5 * float(lengths.max(initial=0))  # float32 is not exact
    for start in range(0, len(rows), _ROWS):
        some = slice(start, start + _ROWS)
        limits = (second[some][0] - radius - 1, second[some][-1] + radius + 1)
        low, high = np.searchsorted(other_second, limits)
        for at in range(low, high, _COLUMNS):
            squares = left[some] @ right[:, at : min(at + _COLUMNS, high)]
            one, other = np.nonzero(squares <= limit)
            pairs = np.stack([rows[start + one], columns[at + other]], axis=1)
            yield pairs[pairs[:, 0] < pairs[:, 1]]
