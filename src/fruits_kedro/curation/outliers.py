"""Photos that are unlike all others of their label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_FEW = 5  # photos of a label, below which all photos say what is usual
_TO_DEVIATION = 1.4826  # of the median absolute deviation, for normal values


def find_outliers(
    photos: pd.DataFrame, cosines: NDArray[np.float32], deviations: float
) -> pd.DataFrame:
    """Photos that are further from their neighbours than is usual in their label.

    The distance is 1 minus the mean cosine to the neighbours. What is usual in a label is the
    median of its photos, and the median absolute deviation, scaled to a standard deviation: neither
    moves with the outliers. A label of fewer than five photos, and photos without a label, are
    compared with all photos.

    Args:
        photos: ``path, split, label``.
        cosines: ``(photos, k)``, of the neighbours.
        deviations: an outlier's distance is above the median by more than so many deviations.

    Returns:
        ``path, split, label, distance, usual`` (the median), ``deviations``; the furthest first.
    """
    table = photos[["path", "split", "label"]].assign(distance=0.0, usual=0.0, deviations=0.0)
    if not cosines.size:
        return table.iloc[:0]
    table["distance"] = 1 - cosines.mean(axis=1, dtype=float)
    labels = table["label"].where(table.groupby("label")["path"].transform("size") >= _FEW)
    medians = table.groupby(labels)["distance"].transform("median")
    table["usual"] = medians.fillna(table["distance"].median())
    gaps = (table["distance"] - table["usual"]).abs()
    spreads = gaps.groupby(labels).transform("median").fillna(gaps.median())
    above = table["distance"] - table["usual"]
    # Where half of a label's photos are all alike, the smallest step that float32 has.
    table["deviations"] = above / np.maximum(_TO_DEVIATION * spreads, np.finfo(np.float32).eps)
    found = table[table["deviations"] > deviations]
    return found.sort_values(["deviations", "path"], ascending=[False, True], ignore_index=True)
