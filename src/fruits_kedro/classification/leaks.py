"""Photos that are there more than once: no Test photo may be trained on."""

from __future__ import annotations

import itertools
import logging

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.curation.duplicates import NEAR
from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)

_NAMED = 5


def feature_hash() -> Column:
    """What tells a photo from others: a hash of its features, which are equal bit for bit."""
    return F.xxhash64("features")


def find_shared(photos: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of labels with a photo in common: they show the same fruit.

    Args:
        photos: ``label, pixels`` (the same where the photo is).
    """
    labels = photos.dropna(subset="label").groupby("pixels")["label"].agg(set)
    several = labels[labels.map(len) > 1]
    pairs = {pair for found in several for pair in itertools.combinations(sorted(found), 2)}
    for one, other in sorted(pairs):
        logger.warning("%s and %s have photos in common: they are held out together", one, other)
    return sorted(pairs)


def guard_leakage(leaks: pd.DataFrame, leave_out: bool) -> pd.Series:
    """The paths of Training photos that are in Test as well, and must be left out.

    Near duplicates stay: a threshold is no verdict. The log says how many there are, and what is
    left out.

    Args:
        leaks: ``path, label, other_path, other_label, other_split, kind``.
        leave_out: also photos that are in Test under the same label.

    Raises:
        FruitsError: there are such photos, and they are not to be left out.
    """
    of_test = leaks[leaks["other_split"] == "Test"]
    near = of_test["kind"] == NEAR
    found = of_test[~near]
    same = found[found["label"] == found["other_label"]]
    if not same.empty and not leave_out:
        pairs = [f"{row.path!r} = {row.other_path!r}" for row in same.head(_NAMED).itertuples()]
        raise FruitsError(
            f"{same['path'].nunique()} Training photos are in Test as well: a classifier would "
            f"know them by heart. {', '.join(pairs)}{', …' if len(same) > _NAMED else ''}\n"
            "All of them are in leaks.csv, in the store's 08_reporting. Delete one of the two, or "
            "leave them out of Training: --params classification.leaks=leave_out",
            output="leaks",
        )
    if not found.empty:
        labels = found[["label", "other_label"]].drop_duplicates().head(_NAMED).to_numpy()
        logger.warning(
            "%d Training photos are in Test as well and are not trained on: %s",
            found["path"].nunique(),
            ", ".join(f"{one} = {other}" for one, other in labels),
        )
    if several := of_test.loc[near, "path"].nunique():
        logger.warning(
            "%d Training photos are nearly the same as photos of Test, and are trained on: see "
            "kind 'near' in leaks.csv",
            several,
        )
    return found["path"]


def without(rows: DataFrame, paths: pd.Series) -> DataFrame:
    """The rows whose path is not among these."""
    if paths.empty:
        return rows
    gone = rows.sparkSession.createDataFrame(pd.DataFrame({"path": paths.unique()}))
    return rows.join(F.broadcast(gone), "path", "left_anti")


def without_photos_of(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows whose photo is not among the others', in the same order.

    The hashes are broadcast: a join by shuffle changes the order, on which a forest's draws depend.
    """
    photos = others.select(feature_hash().alias("photo")).distinct()
    marked = rows.withColumn("photo", feature_hash())
    return marked.join(F.broadcast(photos), "photo", "left_anti").drop("photo")
