"""Photos that are there more than once, and those of Test that Training has."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.curation.near import Pairs, near_pairs
from fruits_kedro.curation.photos import Photos

COLUMNS = ("group", "kind", "path", "split", "label", "labels", "splits")
BYTES = "bytes"  # the same file
PIXELS = "pixels"  # equal to the bit once they are decoded and resized
NEAR = "near"  # thumbnails that differ by little
_PAIRS = 100_000  # that are gathered before groups are joined

Groups = NDArray[np.int64]


def find_duplicates(photos: Photos, near: float) -> pd.DataFrame:
    """Groups of photos with the same bytes, the same pixels, or nearly the same.

    Groups are connected components: each photo is like another one of its group.

    Args:
        near: how far the gray values of two thumbnails may differ: see :func:`near_pairs`.

    Returns:
        A row for each photo of a group: ``group`` (from 1, in the order of their first paths),
        ``kind`` (``bytes`` if all files of the group are the same, ``pixels`` if all pixels are,
        else ``near``), ``path, split, label``, and how many ``labels`` and ``splits`` the group
        has: more than one is worth a look. Ordered by group and path.
    """
    table = photos.table.assign(group=_groups(photos, near))
    several = table[table.groupby("group")["path"].transform("size") > 1].sort_values("path")
    groups = several.groupby("group", sort=False)
    hashes = groups["content_hash"]
    all_known = hashes.transform("count") == groups["path"].transform("size")
    same_bytes = all_known & (hashes.transform("nunique") == 1)
    same_pixels = groups["pixels"].transform("nunique") == 1
    found = several.assign(
        group=groups.ngroup() + 1,
        kind=np.select([same_bytes, same_pixels], [BYTES, PIXELS], NEAR),
        labels=groups["label"].transform("nunique"),
        splits=groups["split"].transform("nunique"),
    )
    return found.sort_values(["group", "path"], ignore_index=True)[list(COLUMNS)]


def _groups(photos: Photos, near: float) -> Groups:
    """The group of each photo; photos with the same pixels are compared with others once."""
    group, _ = pd.factorize(photos.table["pixels"])
    known = np.flatnonzero(photos.known)
    rows = known[np.unique(group[known], return_index=True)[1]]

    def are_apart(pairs: Pairs) -> NDArray[np.bool_]:
        one, other = group[pairs].T
        return one != other

    waiting: list[Pairs] = []
    n = 0
    for pairs in near_pairs(photos.thumbnails, rows, near, are_apart):
        waiting.append(pairs)
        n += len(pairs)
        if n >= _PAIRS:
            group, waiting, n = _joined(group, waiting), [], 0
    return _joined(group, waiting)


def _joined(group: Groups, pairs: list[Pairs]) -> Groups:
    """Groups, of which those of each pair of photos are one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not pairs:
        return group
    one, other = group[np.concatenate(pairs)].T
    n = int(group.max()) + 1
    _, joined = connected_components(coo_array((np.ones(len(one), bool), (one, other)), (n, n)))
    return joined[group]


def find_leaks(photos: Photos, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Photos of Test and Validation that Training has, too.

    Args:
        duplicates: of :func:`find_duplicates`.

    Returns:
        A row for each pair: ``path, label`` (of Training), ``other_path, other_label,
        other_split``, ``kind`` (of the pair; ``near`` also by way of others of the group); ordered
        by both paths. Of a group with many photos, each has a pair with the first of each label of
        the other side.
    """
    hashes = photos.table[["path", "content_hash", "pixels"]]
    known = duplicates[duplicates["splits"] > 1].drop(columns="kind").merge(hashes, on="path")
    known["label_key"] = known["label"].fillna("")
    training = known[known["split"] == "Training"]
    names = {"path": "other_path", "label": "other_label", "split": "other_split"}
    others = known[known["split"] != "Training"].rename(columns=names)
    kinds = {BYTES: "content_hash", PIXELS: "pixels", NEAR: "group"}
    pairs = pd.concat([_pairs(training, others, key).assign(kind=k) for k, key in kinds.items()])
    closest = pairs.drop_duplicates(["path", "other_path"])
    columns = ["path", "label", "other_path", "other_label", "other_split", "kind"]
    return closest.sort_values(["path", "other_path"], ignore_index=True)[columns]


def _pairs(training: pd.DataFrame, others: pd.DataFrame, key: str) -> pd.DataFrame:
    """Each photo with the first ones of the other side that have the same key."""
    columns = [key, "label_key"]
    training, others = training.dropna(subset=key), others.dropna(subset=key)
    one = training.merge(others.drop_duplicates([*columns, "other_split"]), on=key)
    other = training.drop_duplicates(columns).merge(others, on=key)
    return pd.concat([one, other])
