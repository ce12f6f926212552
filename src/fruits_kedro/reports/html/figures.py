"""Where the lines, bars and cells of the pages' figures lie, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

_BARS = 60  # components with a bar
_CELL, _LETTER = 24, 6.6


class Scree(NamedTuple):
    """A scree plot: ``width`` x ``height`` with margins, bars and a line."""

    width: int
    height: int
    line: str
    bars: list[tuple[float, float, float, float]]
    x_ticks: list[tuple[float, int]]
    y_ticks: list[tuple[float, float]]


def scree(variance: pd.DataFrame, width: int = 720, height: int = 260) -> Scree:
    """The share of the variance of each component as bars, their sum as a line.

    Args:
        variance: ``variance_explained, cumulative_variance``.
    """
    left, right, top, bottom = 46, width - 10, 10, height - 40
    shares, sums = variance["variance_explained"], variance["cumulative_variance"]
    k = len(variance)

    def x(component: float) -> float:
        return round(left + (right - left) * component / k, 1)

    def y(share: float) -> float:
        return round(bottom - (bottom - top) * share, 1)

    step = max(1, -(-k // 300))
    points = sorted({*range(0, k, step), k - 1})
    line = " ".join(f"{x(i + 0.5)},{y(sums.iloc[i])}" for i in points)
    wide = round((right - left) / k * 0.8, 2)
    bars = [
        (x(i + 0.1), y(share), wide, round(bottom - y(share), 1))
        for i, share in enumerate(shares[:_BARS])
    ]
    every = max(1, round(k / 6, -1) if k > 60 else -(-k // 6))
    x_ticks = [(x(i - 0.5), i) for i in dict.fromkeys([1, *range(int(every), k, int(every)), k])]
    x_ticks = [tick for tick in x_ticks if tick[1] == k or k - tick[1] > every / 2]
    y_ticks = [(y(share), share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return Scree(width, height, line, bars, x_ticks, y_ticks)


class Matrix(NamedTuple):
    """A confusion matrix: its labels with places, and its cells that hold photos.

    Attributes:
        cells: left, top, count, share of the label's photos, label, predicted label.
    """

    width: int
    height: int
    margin: int
    cell: int
    rows: list[tuple[float, str]]
    columns: list[tuple[float, str]]
    cells: list[tuple[float, float, int, float, str, str]]


def confusion_matrix(
    labels: Sequence[str], counts: Sequence[Sequence[int]], support: Sequence[int]
) -> Matrix:
    """The figure of a confusion matrix; labels that are long are cut.

    Args:
        counts: photos, by label and predicted label.
        support: photos of each label, also those taken for labels beyond these.
    """
    shown = [label if len(label) <= 26 else f"{label[:25]}…" for label in labels]
    margin = round(max(map(len, shown), default=0) * _LETTER) + 12
    side = margin + _CELL * len(labels)
    at = [float(margin + _CELL * i) for i in range(len(labels))]
    cells = [
        (at[j], at[i], n, n / max(support[i], 1), labels[i], labels[j])
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
        if n
    ]
    places = [(place + _CELL / 2, name) for place, name in zip(at, shown)]
    return Matrix(side, side, margin, _CELL, places, places, cells)
