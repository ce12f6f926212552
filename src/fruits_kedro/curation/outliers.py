"""Photos that are unlike all others of their label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.curation.robust import deviations_within


def find_outliers(
    photos: pd.DataFrame, cosines: NDArray[np.float32], deviations: float
) -> pd.DataFrame:
    """Photos that are further from their neighbours than is usual in their label.

    The distance is 1 minus the mean cosine to the neighbours; see :func:`deviations_within`.

    Args:
        photos: ``path, split, label``.
        cosines: ``(photos, k)``, of the neighbours.
        deviations: an outlier's distance is above the usual one by more than so many.

    Returns:
        ``path, split, label, distance, usual, deviations``; the furthest first.
    """
    table = photos[["path", "split", "label"]].assign(distance=0.0)
    if not cosines.size:
        return table.iloc[:0].assign(usual=0.0, deviations=0.0)
    table["distance"] = 1 - cosines.mean(axis=1, dtype=float)
    least = float(np.finfo(np.float32).eps)  # photos that are all alike
    table = table.join(deviations_within(table["distance"], table["label"], least))
    found = table[table["deviations"] > deviations]
    return found.sort_values(["deviations", "path"], ascending=[False, True], ignore_index=True)
