"""Compares photos with earlier runs, and merges old and new features."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.features.schema import EXTRACTED, INDEX
from fruits_kedro.features.status import STATUSES
from fruits_kedro.spark.feature_refs import ROW_LOCATION, FeatureRefs
from fruits_kedro.spark.partitioning import partition_key

_KNOWN = ("bytes", "modified_at", "fingerprint", "engine", "error")


def compare(
    image_index: DataFrame, earlier: Sequence[DataFrame], backbone: Backbone, retry_rejected: bool
) -> DataFrame:
    """The status of each photo compared with earlier runs.

    A photo is unchanged if path, size and modification time are: a listing tells them without
    reading it.

    Args:
        image_index: the photos.
        earlier: extracted rows of one or more earlier runs; a photo may be in several.
        backbone: in use.
        retry_rejected: a rejected photo counts as ``failed_before``, not ``done``.

    Returns:
        The columns of the index, and ``state``: an index into ``STATUSES``. Photos that are gone
        have null in all columns but ``path`` and ``state``.
    """
    index = image_index.select("path", F.struct(*INDEX[1:]).alias("photo"))
    known = [run.select("path", F.struct(*_KNOWN).alias("known")) for run in earlier]
    rows = functools.reduce(
        functools.partial(DataFrame.unionByName, allowMissingColumns=True), known, index
    )
    # One shuffle of small columns; no vector is read.
    found = rows.groupBy("path").agg(
        F.max("photo").alias("photo"), F.collect_list("known").alias("known")
    )
    photo = F.col("photo")

    def state(known: Column) -> Column:
        return _first_of(
            photo.isNull(),
            F.lit(False),
            (known["bytes"] != photo["bytes"]) | (known["modified_at"] != photo["modified_at"]),
            (known["fingerprint"] != backbone.fingerprint) | (known["engine"] != backbone.engine),
            known["error"].isNotNull() & F.lit(retry_rejected),
        )

    # If a photo is in several runs, the best status counts.
    best = F.coalesce(F.array_max(F.transform("known", state)), F.lit(STATUSES.index("new")))
    return found.select("path", "photo.*", best.alias("state"))


def merge(
    image_index: DataFrame,
    runs: Sequence[DataFrame],
    backbone: Backbone,
    images: int,
    partitions: int,
) -> FeatureRefs:
    """References to one extracted row per photo of the index.

    The rows of each file and their order depend on the photos alone: an interrupted run writes the
    same files as an uninterrupted one.

    Args:
        image_index: the photos.
        runs: extracted rows, read from Parquet. Of several rows of a photo one with features
            counts, of these the one of the last run.
        backbone: in use; rows of others are left out.
        images: number of photos.
        partitions: number of files, each with equally many photos that are neighbours by path.
    """
    # Text takes one call into the JVM; each Column object takes several.
    columns = ("path", *_KNOWN, *ROW_LOCATION, "error is not null as failed")
    ranked = [run.selectExpr(*columns, f"{-rank} as rank") for rank, run in enumerate(runs)]
    ours = f"fingerprint = '{backbone.fingerprint}' and engine = '{backbone.engine}'"
    known = functools.reduce(DataFrame.union, ranked).where(ours)
    key = partition_key(
        image_index.sparkSession, partitions, f"position * {partitions} div {images}"
    )
    wanted = image_index.selectExpr(*INDEX, f"{key} as key")
    placed = known.join(wanted, ["path", "bytes", "modified_at"]).repartition(partitions, "key")
    # The worker takes the first row of each photo; a window function would sort once more.
    best_first = ("position", "failed", "rank")
    rows = placed.sortWithinPartitions(*best_first).drop("key", *best_first)
    return FeatureRefs(rows, EXTRACTED)


def _first_of(*conditions: Column) -> Column:
    """The index into STATUSES of the first condition that holds."""
    state = F.lit(STATUSES.index("done"))
    for place, condition in reversed(list(enumerate(conditions))):
        state = F.when(condition, F.lit(place)).otherwise(state)
    return state
