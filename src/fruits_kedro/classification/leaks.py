"""Photos that are there more than once: no Test photo may be trained on."""

from __future__ import annotations

import itertools
import logging

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)

_NAMED = 5


def feature_hash() -> Column:
    """What tells a photo from others: a hash of its features, which are equal bit for bit."""
    return F.xxhash64("features")


def find_leaks(photos: DataFrame) -> pd.DataFrame:
    """Training photos that are in Test as well: ``path, label, test_path, test_label``.

    Args:
        photos: ``path, split, label, photo`` (:func:`feature_hash`).

    Returns:
        ``path, label, test_path, test_label``, ordered by path.
    """
    training = photos.where("split = 'Training'").drop("split")
    test = photos.where("split = 'Test'").select(
        "photo", F.col("path").alias("test_path"), F.col("label").alias("test_label")
    )
    columns = ["path", "label", "test_path", "test_label"]
    found: pd.DataFrame = training.join(test, "photo").select(*columns).toPandas()
    return found.sort_values(["path", "test_path"], ignore_index=True)


def find_shared(photos: DataFrame) -> list[tuple[str, str]]:
    """Pairs of labels with a photo (``label, photo``) in common: they show the same fruit."""
    known = photos.where("label is not null")
    labels = known.groupBy("photo").agg(F.sort_array(F.collect_set("label")).alias("labels"))
    several = labels.where(F.size("labels") > 1).select("labels").distinct().collect()
    pairs = {pair for row in several for pair in itertools.combinations(row.labels, 2)}
    for one, other in sorted(pairs):
        logger.warning("%s and %s have photos in common: they are held out together", one, other)
    return sorted(pairs)


def guard_leakage(leaks: pd.DataFrame, leave_out: bool) -> None:
    """Raise FruitsError, with the photos, if Test photos are in Training under the same label.

    With ``leave_out``, and for photos under another label, the log warns instead: their Training
    rows have to be left out.
    """
    same = leaks[leaks["label"] == leaks["test_label"]]
    if not same.empty and not leave_out:
        pairs = [f"{row.path!r} = {row.test_path!r}" for row in same.head(_NAMED).itertuples()]
        raise FruitsError(
            f"{same['path'].nunique()} Training photos are in Test as well: a classifier would "
            f"know them by heart. {', '.join(pairs)}{', …' if len(same) > _NAMED else ''}\n"
            "All of them are in leaked_images.csv, in the store's 08_reporting. Delete one of the "
            "two, or leave them out of Training: --params classification.leaks=leave_out",
            output="leaked_images",
        )
    if not leaks.empty:
        labels = leaks[["label", "test_label"]].drop_duplicates().head(_NAMED).to_numpy()
        logger.warning(
            "%d Training photos are in Test as well and are not trained on: %s",
            leaks["path"].nunique(),
            ", ".join(f"{one} = {other}" for one, other in labels),
        )


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
