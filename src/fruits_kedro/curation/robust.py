"""How unusual a value is among those of its label, by statistics that outliers do not move."""

from __future__ import annotations

import numpy as np
import pandas as pd

_FEW = 5  # values of a label, below which all values say what is usual
_TO_DEVIATION = 1.4826  # of the median absolute deviation, for normal values


def deviations_within(values: pd.Series, labels: pd.Series, least: float) -> pd.DataFrame:
    """The deviation of each value from what is usual in its label.

    Usual is the median. The unit is the median absolute deviation, scaled to a standard deviation.
    A label of fewer than five values, and values without a label, are compared with all values.

    Args:
        least: the smallest unit; it counts where most values of a label are alike.

    Returns:
        ``usual`` and ``deviations`` (negative below the usual), for each value.
    """
    known = labels.where(labels.map(labels.value_counts()) >= _FEW)
    usual = values.groupby(known).transform("median").fillna(values.median())
    gaps = (values - usual).abs()
    spread = (values - values.median()).abs().median()
    spreads = gaps.groupby(known).transform("median").fillna(spread)
    unit = np.maximum(_TO_DEVIATION * spreads, least)
    return pd.DataFrame({"usual": usual, "deviations": (values - usual) / unit})
