"""Photos whose quality is unusual for their label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from fruits_kedro.curation.robust import deviations_within

Value = Callable[[pd.DataFrame], pd.Series]


def _edges(quality: pd.DataFrame) -> pd.Series:
    """Sharpness relative to contrast: a dark photo or a pale one is not blurred for that."""
    return np.log1p(quality["sharpness"]) - np.log1p((255 * quality["contrast"]) ** 2)


# CleanVision's name, the value that a flag looks at, whether on the lower and on the upper side,
# and the smallest deviation.
_FLAGS: tuple[tuple[str, Value, bool, bool, float], ...] = (
    ("blurry", _edges, True, False, 0.1),
    ("dark", lambda q: q["brightness"], True, False, 0.01),
    ("light", lambda q: q["brightness"], False, True, 0.01),
    ("low_information", lambda q: q["entropy"], True, False, 0.1),
    ("odd_size", lambda q: np.log(q["width"] * q["height"].astype(float)), True, True, 0.1),
    ("odd_aspect_ratio", lambda q: np.log(q["aspect_ratio"]), True, True, 0.05),
)
FLAGS = tuple(name for name, *_ in _FLAGS)


def flag_quality(photos: pd.DataFrame, deviations: float) -> pd.DataFrame:
    """The photos' figures of quality, and what is unusual in them.

    Args:
        photos: ``path, split, label`` and the figures of ``ImageQuality``.
        deviations: a figure is unusual if it is further from what is usual in the label than so
            many: see :func:`deviations_within`.

    Returns:
        The same columns, ``aspect_ratio`` (width by height), and ``flags`` (joined by ``, ``;
        empty if nothing is unusual): ``blurry, dark, light, low_information, odd_size,
        odd_aspect_ratio``.
    """
    table = photos.assign(aspect_ratio=photos["width"] / photos["height"])
    flags = pd.Series("", table.index)
    for name, value, below, above, least in _FLAGS:
        found = deviations_within(value(table), table["label"], least)["deviations"]
        unusual = (below & (found < -deviations)) | (above & (found > deviations))
        flags = flags.where(~unusual, flags + ", " + name)
    return table.assign(flags=flags.str.removeprefix(", "))
