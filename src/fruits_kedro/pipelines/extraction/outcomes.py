"""What became of each photo: usable or rejected, and counted."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.errors import FruitsError


def split_extracted(extracted_features: DataFrame) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Part the usable rows from the rejected ones.

    Returns:
        ``path, split, label, features, fingerprint``; and ``path, split, label, stage, reason,
        detail`` twice: for Parquet and for CSV.
    """
    usable = extracted_features.where("error is null")
    features = usable.select("path", "split", "label", "features", "fingerprint")
    part = F.split("error", ": ", 3)
    rejected = (
        extracted_features.where("error is not null")
        .select(
            "path",
            "split",
            "label",
            part[0].alias("stage"),
            part[1].alias("reason"),
            part[2].alias("detail"),
        )
        .orderBy("path")
    )
    return features, rejected, rejected


def count_extracted(
    image_index: DataFrame, extracted_features: DataFrame, rejected_images: DataFrame
) -> pd.DataFrame:
    """Count what became of the photos of each split.

    Returns:
        ``split, images, features, rejected, bytes``; the last of all photos, as they lie there.

    Raises:
        FruitsError: a photo is missing or doubled, a split has no usable photo at all, or the
            features come from more than one backbone.
    """
    images = image_index.groupBy("split").agg(
        F.count("*").alias("images"), F.sum("bytes").alias("bytes")
    )
    extracted = extracted_features.groupBy("split").agg(
        F.count_if(F.isnull("error")).alias("features"),
        F.count("error").alias("rejected"),
        F.count_distinct("path").alias("paths"),
        F.collect_set(F.expr("case when error is null then fingerprint end")).alias("prints"),
    )
    # Of three splits at most: joined here, a join in Spark is two more stages.
    found = pd.merge(images.toPandas(), extracted.toPandas(), "outer", "split")
    columns = ["images", "features", "rejected", "bytes", "paths"]
    counts = found[["split", *columns]].fillna(0).astype(dict.fromkeys(columns, "int64"))
    check_one_backbone({name for prints in found["prints"].dropna() for name in prints})
    _check(counts, rejected_images)
    return counts.drop(columns="paths")


def _check(counts: pd.DataFrame, rejected: DataFrame) -> None:
    rows = counts["features"] + counts["rejected"]
    lost = counts[(counts["images"] != rows) | (counts["paths"] != rows)]
    if not lost.empty:
        raise FruitsError(
            f"Rows were lost or doubled in extraction:\n{lost.to_string(index=False)}"
        )
    for row in counts.itertuples():
        if row.features == 0:
            of_split = rejected.where(F.col("split") == row.split)
            reasons: pd.DataFrame = of_split.groupBy("reason").count().orderBy("reason").toPandas()
            raise FruitsError(
                f"None of the {row.images} photos of the split {row.split} can be used: "
                f"{', '.join(f'{n} {reason}' for reason, n in reasons.to_numpy())}.\n"
                "The reason for each stands in rejected_images.csv, in the store's 08_reporting."
            )
