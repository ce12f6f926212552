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
    parts = "split(error, ': ', 3)"
    named = (f"{parts}[{i}] as {name}" for i, name in enumerate(("stage", "reason", "detail")))
    rejected = (
        extracted_features.where("error is not null")
        .selectExpr("path", "split", "label", *named)
        .repartition(1)  # few rows: to order them over several would take another pass
        .sortWithinPartitions("path")
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
    # A path in both frames leaves nothing of its hash: with as many rows as photos, nothing is left
    # of all together only if each photo has its row. No path has to travel for that.
    hashed = ("split", "xxhash64(path) as hash")
    photos = image_index.selectExpr(*hashed, "bytes", "null as failed", "null as fingerprint")
    rows = extracted_features.selectExpr(
        *hashed, "null as bytes", "error is not null as failed", "fingerprint"
    )
    sums = {
        "images": "count(bytes)",
        "features": "count_if(not failed)",
        "rejected": "count_if(failed)",
        "bytes": "coalesce(sum(bytes), 0)",
        "unpaired": "bit_xor(hash)",
        "fingerprints": "collect_set(case when not failed then fingerprint end)",
    }
    by_split = photos.union(rows).groupBy("split").agg(*map(F.expr, sums.values()))
    counts = pd.DataFrame(by_split.collect(), columns=["split", *sums])
    check_one_backbone({name for names in counts["fingerprints"] for name in names})
    _check(counts, rejected_images)
    return counts[["split", "images", "features", "rejected", "bytes"]].sort_values(
        "split", ignore_index=True
    )


def _check(counts: pd.DataFrame, rejected: DataFrame) -> None:
    found = counts["features"] + counts["rejected"]
    lost = counts[(counts["images"] != found) | (counts["unpaired"] != 0)]
    if not lost.empty:
        columns = ["split", "images", "features", "rejected"]
        raise FruitsError(
            f"Rows were lost or doubled in extraction:\n{lost[columns].to_string(index=False)}"
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
