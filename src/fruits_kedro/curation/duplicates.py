"""Photos that are there more than once, and those of Test that Training has."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = ("group", "kind", "path", "split", "label", "labels", "splits")
BYTES = "bytes"  # the same file
PIXELS = "pixels"  # equal to the bit once they are decoded and resized


def find_duplicates(photos: pd.DataFrame) -> pd.DataFrame:
    """Groups of photos with the same pixels, or the same bytes.

    Args:
        photos: ``path, split, label, pixels, content_hash`` (the same where the pixels, or the
            bytes, are; a hash that is not known is null).

    Returns:
        A row for each photo of a group: ``group`` (from 1, in the order of their first paths),
        ``kind`` (``bytes`` if all files of the group are the same, else ``pixels``), ``path, split,
        label``, and how many ``labels`` and ``splits`` the group has: more than one is worth a
        look. Ordered by group and path.
    """
    of_pixels = photos.groupby("pixels")
    several = photos[of_pixels["path"].transform("size") > 1].sort_values("path")
    groups = several.groupby("pixels", sort=False)
    hashes = groups["content_hash"]
    known = hashes.transform("count") == groups["path"].transform("size")
    table = several.assign(
        group=groups.ngroup() + 1,
        kind=np.where(known & (hashes.transform("nunique") == 1), BYTES, PIXELS),
        labels=groups["label"].transform("nunique"),
        splits=groups["split"].transform("nunique"),
    )
    return table.sort_values(["group", "path"], ignore_index=True)[list(COLUMNS)]


def find_leaks(duplicates: pd.DataFrame) -> pd.DataFrame:
    """Photos of Test and Validation that Training has, too.

    Args:
        duplicates: of :func:`find_duplicates`.

    Returns:
        A row for each pair: ``path, label`` (of Training), ``other_path, other_label,
        other_split``, ``kind``; ordered by both paths.
    """
    training = duplicates[duplicates["split"] == "Training"]
    others = duplicates[duplicates["split"] != "Training"]
    names = {"path": "other_path", "label": "other_label", "split": "other_split"}
    pairs = training.merge(others.rename(columns=names), on=["group", "kind"])
    columns = ["path", "label", "other_path", "other_label", "other_split", "kind"]
    return pairs.sort_values(["path", "other_path"], ignore_index=True)[columns]
