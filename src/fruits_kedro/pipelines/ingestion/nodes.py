"""The index of the photos: split and label from each path, cut to a subset."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from fruits_kedro.config.parameters import Subset, select_subset
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.source import ImageSource
from fruits_kedro.spark.contracts import SPLITS, check_index

_SPLIT_OF = {split.lower(): split for split in SPLITS}


def index_images(
    raw_images: ImageSource, subset: str, subsets: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """The index of all photos, the counts of those of the subset, and where the photos come from.

    Returns:
        ``path, split, label, bytes, modified_at, position, in_subset``: positions count from 0,
        first the photos of the subset, then the others, each in the order of paths; and ``split,
        label, images`` of the subset; and ``images``, the input root.

    Raises:
        FruitsError: there are no photos or no labels, or the subset is unknown or empty.
    """
    chosen = select_subset(subset, subsets)
    listing = raw_images.list().to_pandas()
    index = label_images(listing)
    if index["label"].isna().all():
        raise FruitsError(
            f"The {len(index)} photos of {raw_images.root} have no labels: the label is the name "
            "of a photo's folder.\nPut them into folders such as Training/<variety>/ or <variety>/."
        )
    kept = keep_subset(index, chosen)
    if kept.empty:
        raise FruitsError(
            f"subset={subset} ({chosen}) keeps none of the {len(listing)} photos of "
            f"{raw_images.root}.\nLabels there are for example "
            f"{', '.join(sorted(label_images(listing)['label'].dropna().unique())[:5])}."
        )
    check_index(index)
    index["in_subset"] = index.index.isin(kept.index)
    index = index.sort_values("in_subset", ascending=False, kind="stable", ignore_index=True)
    index["position"] = range(len(index))
    return index, count_classes(kept), {"images": raw_images.origin}


def label_images(listing: pd.DataFrame) -> pd.DataFrame:
    """The split and label of each photo of a listing.

    The split is the nearest ancestor folder called Training, Test or Validation (in any case), else
    Training. The label is the nearest ancestor folder that is not a split, else null.
    """
    folders = listing["path"].str.rpartition("/")[0]
    named = {folder: _split_and_label(folder) for folder in folders.unique()}
    return pd.DataFrame(
        {
            "path": listing["path"],
            "split": folders.map(lambda folder: named[folder][0]),
            "label": folders.map(lambda folder: named[folder][1]),
            "bytes": listing["length"],
            "modified_at": listing["modificationTime"],
        }
    )


def _split_and_label(folder: str) -> tuple[str, str | None]:
    ancestors = [name for name in reversed(folder.split("/")) if name]
    splits = [_SPLIT_OF[name.lower()] for name in ancestors if name.lower() in _SPLIT_OF]
    labels = [name for name in ancestors if name.lower() not in _SPLIT_OF]
    return (splits[0] if splits else "Training"), (labels[0] if labels else None)


def keep_subset(index: pd.DataFrame, subset: Subset) -> pd.DataFrame:
    """The photos of a subset: the same on every machine.

    A hash of the path chooses within each class of each split. A total is filled in rounds over the
    classes, which then differ by one photo at most as long as each has enough.
    """
    names = index["label"].dropna().unique()
    labels = {n for n in names if any(fnmatchcase(n, pattern) for pattern in subset.labels)}
    every_label = "*" in subset.labels
    kept = index[index["split"].isin(subset.splits) & (index["label"].isin(labels) | every_label)]
    if subset.images_per_class is None and subset.total is None:
        return kept
    order = kept.assign(hash=kept["path"].map(_hash), label=kept["label"].fillna(""))
    order = order.sort_values("hash")
    order["round"] = order.groupby(["split", "label"]).cumcount()
    if subset.images_per_class is not None:
        order = order[order["round"] < subset.images_per_class]
    if subset.total is not None:
        order = order.sort_values(["round", "split", "hash"], ascending=[True, False, True])
        order["turn"] = order.groupby("label").cumcount()
        order = order.assign(draw=order["label"].map(_hash)).sort_values(["turn", "draw"])
        order = order.head(subset.total)
    return kept.loc[order.index.sort_values()]


def _hash(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def count_classes(index: pd.DataFrame) -> pd.DataFrame:
    """The number of photos of each split and label: ``split, label, images``, in that order."""
    counts = index.groupby(["split", "label"], dropna=False, sort=True).size()
    return counts.rename("images").reset_index()
