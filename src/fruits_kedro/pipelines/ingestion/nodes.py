"""The index of the photos: split and label from each path, and the subset that takes part."""

from __future__ import annotations

import hashlib
import logging
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fruits_kedro.config.parameters import Subset, select_subset
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.labels import LabelFrom, split_and_label, warnings_of
from fruits_kedro.images.source import ImageSource

logger = logging.getLogger(__name__)


def index_images(
    raw_images: ImageSource,
    subset: str,
    subsets: dict[str, Any],
    label_from: LabelFrom,
    previous_selection: ParquetFiles | None,
) -> tuple[pa.Table, pd.DataFrame, dict[str, str]]:
    """The index of all photos, the counts of those of the subset, and where the photos come from.

    Args:
        previous_selection: of a curation; a subset may ask for it.

    Returns:
        ``path, split, label, bytes, modified_at, in_subset, position``: positions count from 0,
        first the photos of the subset, then the others, each in the order of paths; and ``split,
        label, images`` of the subset; and ``images``, the input root.

    Raises:
        FruitsError: there are no photos or no labels, or the subset is unknown or empty, or asks
            for a selection that is not there.
    """
    chosen = select_subset(subset, subsets)
    listing = raw_images.list()
    folders = _folders(listing["path"])
    index = label_images(listing, folders, label_from)
    labels = pc.unique(index["label"]).drop_null().to_pylist()
    if not labels:
        raise FruitsError(
            f"The {len(index)} photos of {raw_images.root} have no labels: the label is the name "
            "of a photo's folder.\nPut them into folders such as Training/<variety>/ or <variety>/."
        )
    for warning in warnings_of(folders.dictionary.to_pylist(), labels, label_from):
        logger.warning(warning)
    selected = selected_paths(previous_selection) if chosen.selected else None
    kept = _rows_of(index, chosen, selected)
    if not kept.any():
        raise FruitsError(
            f"subset={subset} ({chosen}) keeps none of the {len(index)} photos of "
            f"{raw_images.root}.\nLabels there are for example {', '.join(sorted(labels)[:5])}."
        )
    index = index.append_column("in_subset", pa.array(kept))
    counts = count_classes(index.select(["split", "label", "in_subset"]))
    if not kept.all():
        index = index.take(np.concatenate([np.flatnonzero(kept), np.flatnonzero(~kept)]))
    index = index.append_column("position", pa.array(np.arange(len(index))))
    return index, counts, {"images": raw_images.origin}


def label_images(
    listing: pa.Table, folders: pa.DictionaryArray, label_from: LabelFrom = "parent"
) -> pa.Table:
    """The split and the label of each photo of a listing: :func:`split_and_label`.

    Arrow's columns take 100 bytes a photo, where objects of Python take a kilobyte.
    """
    named = [split_and_label(folder, label_from) for folder in folders.dictionary.to_pylist()]
    splits, labels = (pa.array(column, pa.string()) for column in zip(*named))
    columns = {
        "path": listing["path"],
        "split": splits.take(folders.indices),
        "label": labels.take(folders.indices),
        "bytes": listing["length"],
        "modified_at": listing["modificationTime"],
    }
    return pa.table(columns)


def _folders(paths: pa.ChunkedArray) -> pa.DictionaryArray:
    """The folder of each path."""
    chunks = (pc.replace_substring_regex(chunk, r"/?[^/]*$", "") for chunk in paths.chunks)
    encoded = pa.chunked_array(chunk.dictionary_encode() for chunk in chunks)
    return encoded.unify_dictionaries().combine_chunks()


def selected_paths(selection: ParquetFiles | None) -> set[str]:
    """The photos that a selection keeps; FruitsError if there is none."""
    if selection is None:
        raise FruitsError(
            "The store has no selection.\nRun 'kedro run --pipelines curation' with the same "
            "--params first."
        )
    batches = selection.batches(["path", "selected"])
    return {path for b in batches for path in b.filter(b["selected"])["path"].to_pylist()}


def _rows_of(index: pa.Table, subset: Subset, selected: set[str] | None) -> np.ndarray:
    """Whether each photo is of the subset."""
    if subset == Subset():
        return np.ones(len(index), bool)
    photos = index.select(["path", "split", "label"]).to_pandas()
    if selected is not None:
        photos = photos[photos["path"].isin(selected)]
    kept = np.zeros(len(index), bool)
    kept[keep_subset(photos, subset).index] = True
    return kept


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


def count_classes(index: pa.Table) -> pd.DataFrame:
    """Number of photos of the subset of each split and label: ``split, label, images``."""
    counted = index.group_by(["split", "label", "in_subset"]).aggregate([([], "count_all")])
    counts = counted.filter(pc.field("in_subset")).rename_columns({"count_all": "images"})
    counts = counts.select(["split", "label", "images"]).to_pandas()
    return counts.sort_values(["split", "label"], ignore_index=True)
