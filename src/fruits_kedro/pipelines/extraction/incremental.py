"""What is left to do, and one whole out of what was done before and what was done now."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.extraction_plan import STATES

INDEX = ("path", "split", "label", "bytes", "modified_at")
_KNOWN = ("bytes", "modified_at", "fingerprint", "engine", "error")
EXTRACTED = (
    *("path", "split", "label", "features", "error", "fingerprint"),
    *("engine", "bytes", "modified_at"),
)


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
        The columns of the index, and ``state``: the place in ``STATES``. Photos that are gone
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
    best = F.coalesce(F.array_max(F.transform("known", state)), F.lit(STATES.index("new")))
    return found.select("path", "photo.*", best.alias("state"))


def merge(
    image_index: DataFrame, runs: Sequence[DataFrame], backbone: Backbone, partitions: int
) -> DataFrame:
    """Put together one row for each photo of the index.

    The rows of a file, and their order, depend on the photos alone: a run that was interrupted
    and one that was not write the same.

    Args:
        image_index: the photos that are there.
        runs: extracted rows; of a photo that is in several, one that has features counts, of
            these the one of the last run.
        backbone: in use: rows of others are left out.
        partitions: number of files.
    """
    ranked = [run.withColumn("rank", F.lit(rank)) for rank, run in enumerate(runs)]
    ours = (F.col("fingerprint") == backbone.fingerprint) & (F.col("engine") == backbone.engine)
    known = _union(ranked).where(ours).drop("split", "label")
    wanted = image_index.select(
        F.col("path").alias("known_path"),
        F.col("bytes").alias("known_bytes"),
        F.col("modified_at").alias("known_modified_at"),
        "split",
        "label",
    )
    same = [F.col(name) == F.col(f"known_{name}") for name in ("path", "bytes", "modified_at")]
    placed = known.join(wanted, same).repartition(partitions, "path")
    best = Window.partitionBy("path").orderBy(F.col("error").isNotNull(), F.desc("rank"))
    first = placed.withColumn("place", F.row_number().over(best)).where("place = 1")
    return first.select(*EXTRACTED).sortWithinPartitions("path")


def _first_of(*conditions: Column) -> Column:
    """The place in STATES of the first condition that holds."""
    state = F.lit(STATES.index("done"))
    for place, condition in reversed(list(enumerate(conditions))):
        state = F.when(condition, F.lit(place)).otherwise(state)
    return state


def _union(frames: Sequence[DataFrame]) -> DataFrame:
    return functools.reduce(DataFrame.unionByName, frames)
