"""What is left to do, and one whole out of what was done before and what was done now."""

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
    """Say of each photo what earlier runs have made of it.

    A photo is the same one as before if path, size and modification time are: what a listing
    tells without reading it.

    Args:
        image_index: the photos that are there.
        earlier: extracted rows of earlier runs, one at least; a photo may be in several.
        backbone: in use.
        retry_rejected: whether a photo that was rejected counts as ``failed_before``, not ``done``.

    Returns:
        The columns of the index, and ``state``: the place in ``STATUSES``. Photos that are gone
        have null in all others.
    """
    index = image_index.select("path", F.struct(*INDEX[1:]).alias("photo"))
    known = [run.select("path", F.struct(*_KNOWN).alias("known")) for run in earlier]
    rows = functools.reduce(
        functools.partial(DataFrame.unionByName, allowMissingColumns=True), known, index
    )
    # One shuffle, of what tells the photos apart: no vector is read.
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

    # Of a photo that is in several runs, what is known best counts.
    best = F.coalesce(F.array_max(F.transform("known", state)), F.lit(STATUSES.index("new")))
    return found.select("path", "photo.*", best.alias("state"))


def merge(
    image_index: DataFrame,
    runs: Sequence[DataFrame],
    backbone: Backbone,
    images: int,
    partitions: int,
) -> FeatureRefs:
    """Put together one row for each photo of the index.

    The rows of a file, and their order, depend on the photos alone: a run that was interrupted
    and one that was not write the same.

    Args:
        image_index: the photos that are there.
        runs: extracted rows, as they were read from Parquet; of a photo that is in several, one
            that has features counts, of these the one of the last run.
        backbone: in use: rows of others are left out.
        images: how many photos there are.
        partitions: number of files; each holds as many photos, neighbours in the order of paths.
    """
    # Expressions as text: one call into the JVM for all of them, where each column takes several.
    columns = ("path", *_KNOWN, *ROW_LOCATION, "error is not null as failed")
    ranked = [run.selectExpr(*columns, f"{-rank} as rank") for rank, run in enumerate(runs)]
    ours = f"fingerprint = '{backbone.fingerprint}' and engine = '{backbone.engine}'"
    known = functools.reduce(DataFrame.union, ranked).where(ours)
    key = partition_key(
        image_index.sparkSession, partitions, f"position * {partitions} div {images}"
    )
    wanted = image_index.selectExpr(*INDEX, f"{key} as key")
    placed = known.join(wanted, ["path", "bytes", "modified_at"]).repartition(partitions, "key")
    # The first of each photo counts: a worker sees that as it goes, Spark's window sorts once more.
    best_first = ("position", "failed", "rank")
    rows = placed.sortWithinPartitions(*best_first).drop("key", *best_first)
    return FeatureRefs(rows, EXTRACTED)


def _first_of(*conditions: Column) -> Column:
    """The place in STATUSES of the first condition that holds."""
    state = F.lit(STATUSES.index("done"))
    for place, condition in reversed(list(enumerate(conditions))):
        state = F.when(condition, F.lit(place)).otherwise(state)
    return state
