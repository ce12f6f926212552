"""Compares photos with earlier runs, and merges old and new features."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.features.schema import ADDED, EXTRACTED, INDEX
from fruits_kedro.features.status import STATUSES
from fruits_kedro.spark.contracts import in_subset
from fruits_kedro.spark.feature_refs import ROW_LOCATION, FeatureRefs
from fruits_kedro.spark.partitioning import partition_key

_KNOWN = ("bytes", "modified_at", "fingerprint", "engine", "error")


OUTSIDE = -1  # state of a photo outside the subset without features
OUTSIDE_OTHER_BACKBONE = -2  # or with features of another backbone


def compare(
    image_index: DataFrame,
    earlier: Sequence[DataFrame],
    backbone: Backbone,
    params: ExtractionParams,
) -> DataFrame:
    """The status of each photo compared with earlier runs.

    A photo is unchanged if path, size and modification time are: a listing tells them without
    reading it.

    Args:
        earlier: extracted rows of one or more earlier runs; a photo may be in several.
        params: whether to extract all photos of the subset again, or the rejected ones.

    Returns:
        The columns of the index, and ``state``: an index into ``STATUSES``, or one of the negative
        states above. Photos that are gone have null in all columns but ``path`` and ``state``.
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
        conditions = (
            photo.isNull(),
            photo["in_subset"] & F.lit(not params.incremental),
            (known["bytes"] != photo["bytes"]) | (known["modified_at"] != photo["modified_at"]),
            (known["fingerprint"] != backbone.fingerprint) | (known["engine"] != backbone.engine),
            known["error"].isNotNull() & F.lit(params.retry_rejected),
        )
        first = [F.when(condition, F.lit(i)) for i, condition in enumerate(conditions)]
        return F.coalesce(*first, F.lit(STATUSES.index("done")))

    # If a photo is in several runs, the best status counts.
    best = F.coalesce(F.array_max(F.transform("known", state)), F.lit(STATUSES.index("new")))
    outside = (
        F.when(best >= STATUSES.index("failed_before"), STATUSES.index("kept"))
        .when(best == STATUSES.index("other_backbone"), OUTSIDE_OTHER_BACKBONE)
        .otherwise(OUTSIDE)
    )
    of_photo = F.when(~photo["in_subset"], outside).otherwise(best)
    return found.select("path", "photo.*", of_photo.alias("state"))


def merge(
    image_index: DataFrame,
    earlier: Sequence[DataFrame],
    now: Sequence[DataFrame],
    backbone: Backbone,
    incremental: bool,
    images: int,
    partitions: int,
    kept_partitions: int,
) -> FeatureRefs:
    """References to one extracted row per photo of the subset, and to those kept of others.

    The rows of each file and their order depend on the photos alone: an interrupted run writes the
    same files as an uninterrupted one.

    Args:
        earlier: rows that earlier runs extracted, read from Parquet.
        now: rows of the checkpoint. Of several rows of a photo one with features counts, of these
            one of the checkpoint.
        backbone: in use; rows of others are left out.
        incremental: whether earlier rows count for photos of the subset.
        images: number of photos of the subset.
        partitions: number of files, each with equally many photos that are neighbours by path.
        kept_partitions: number of files for photos outside the subset.
    """
    # Text takes one call into the JVM; each Column object takes several.
    columns = ("path", *_KNOWN, *ROW_LOCATION, "error is not null as failed")
    ranked = [run.selectExpr(*columns, *_added(run), "0 as rank") for run in now]
    ranked += [run.selectExpr(*columns, *_added(run), "1 as rank") for run in earlier]
    ours = f"fingerprint = '{backbone.fingerprint}' and engine = '{backbone.engine}'"
    known = functools.reduce(DataFrame.union, ranked).where(ours)
    number = f"position * {partitions} div {images}"
    if kept_partitions:
        others = image_index.count() - images
        of_others = f"{partitions} + (position - {images}) * {kept_partitions} div {others}"
        number = f"if(in_subset, {number}, {of_others})"
    files = partitions + kept_partitions
    key = partition_key(image_index.sparkSession, files, number)
    photos = image_index if kept_partitions else in_subset(image_index)
    wanted = photos.selectExpr(*INDEX, f"{key} as key")
    placed = known.join(wanted, ["path", "bytes", "modified_at"])
    if not incremental:
        placed = placed.where("rank = 0 or not in_subset")
    placed = placed.repartition(files, "key")
    # The worker takes the first row of each photo; a window function would sort once more.
    best_first = ("position", "failed", "rank")
    rows = placed.sortWithinPartitions(*best_first).drop("key", *best_first)
    return FeatureRefs(rows, EXTRACTED)


def _added(run: DataFrame) -> list[str]:
    """The columns that an earlier version of the project did not extract; null where it ran."""
    there = set(run.columns)
    return [n if n in there else f"cast(null as {kind}) as {n}" for n, kind in ADDED.items()]
