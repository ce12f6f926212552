"""Counts usable and rejected photos, and stops a run with too many rejected ones."""

from __future__ import annotations

import math
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd
import pyspark
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.errors import FailureRateError, FruitsError
from fruits_kedro.features.status import count_pending
from fruits_kedro.spark.contracts import in_subset

_WORST = 5
_VERSIONS = ("fruits-kedro", "kedro", "ai-edge-litert", "pillow", "numpy", "pyarrow")


def list_rejected(extracted_features: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The rejected photos.

    Returns:
        ``path, split, label, stage, reason, detail``, twice: for Parquet and for CSV.
    """
    parts = "split(error, ': ', 3)"
    named = (f"{parts}[{i}] as {name}" for i, name in enumerate(("stage", "reason", "detail")))
    rejected = (
        in_subset(extracted_features)
        .where("error is not null")
        .selectExpr("path", "split", "label", *named)
        .repartition(1)  # few rows: a global sort would take another pass
        .sortWithinPartitions("path")
    )
    return rejected, rejected


def count_extracted(
    image_index: DataFrame, extracted_features: DataFrame, rejected_images: DataFrame
) -> pd.DataFrame:
    """The number of usable and rejected photos of each split.

    Returns:
        ``split, images, features, rejected, bytes`` (of all its photo files).

    Raises:
        FruitsError: a photo is missing or doubled, a split has no usable photo, or features come
            from several backbones.
    """
    # XOR of the path hashes of both frames is 0 if they hold the same paths; this needs no join.
    hashed = ("split", "xxhash64(path) as hash")
    photos = in_subset(image_index).selectExpr(
        *hashed, "bytes", "null as failed", "null as fingerprint"
    )
    rows = in_subset(extracted_features).selectExpr(
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


def describe_extraction(
    backbone_info: dict[str, Any],
    extraction_plan: dict[str, int],
    photo_counts: pd.DataFrame,
    rejected_images: DataFrame,
    subset: str,
    params: ExtractionParams,
) -> dict[str, Any]:
    """A record of what made these features, and of the number of rejected photos."""
    reasons = rejected_images.groupBy("stage", "reason").count().orderBy("stage", "reason")
    by_split = photo_counts.set_index("split")
    counts = {column: int(by_split[column].sum()) for column in by_split}
    return {
        "subset": subset,
        "counts": {
            **counts,
            "extracted": count_pending(extraction_plan),
            "reused": extraction_plan["done"],
            "kept": extraction_plan["kept"],
            "by_split": by_split.astype(int).to_dict("index"),
            "rejected_by_reason": {f"{r.stage}: {r.reason}": r["count"] for r in reasons.collect()},
        },
        "failure_rate": counts["rejected"] / counts["images"],
        "max_failure_rate": params.max_failure_rate,
        "cores": rejected_images.sparkSession.sparkContext.defaultParallelism,
        "backbone": backbone_info,
        "extraction_plan": extraction_plan,
        # A cluster's own PySpark is not an installed package.
        "versions": {"python": platform.python_version(), "pyspark": pyspark.__version__}
        | {package: _version(package) for package in _VERSIONS},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # the project's own, run from a checkout that is not installed
        return "not installed"


def check_failure_rate(
    extraction_info: dict[str, Any],
    photo_counts: pd.DataFrame,
    rejected_images: DataFrame,
    image_index: DataFrame,
) -> pd.DataFrame:
    """The counts of the photos, unless too many were rejected.

    Raises:
        FailureRateError: above ``extraction.max_failure_rate``; names the worst folders.
    """
    rate, allowed = extraction_info["failure_rate"], extraction_info["max_failure_rate"]
    if rate <= allowed:
        return photo_counts
    images, failed = (extraction_info["counts"][name] for name in ("images", "rejected"))
    raise FailureRateError(
        f"{failed:,} of {images:,} photos ({rate:.1%}) cannot be used, and "
        f"extraction.max_failure_rate allows {allowed:.1%}. Most of them are in:\n"
        + "\n".join(_worst_folders(rejected_images, image_index))
        + "\nThe reason for each is in rejected_images.csv (08_reporting)."
        "\nMend the photos and run again: only these are tried again. Or allow it: "
        f"--params extraction.max_failure_rate={math.ceil(1000 * rate) / 1000:g}",
        output="rejected_images_csv",
    )


def _worst_folders(rejected: DataFrame, image_index: DataFrame) -> list[str]:
    folder = F.regexp_extract("path", r"(?s)^(?:(.*)/)?[^/]*$", 1).alias("folder")
    of_folder = in_subset(image_index).groupBy(folder).agg(F.count("*").alias("images"))
    reasons = F.array_join(F.array_sort(F.collect_set("reason")), ", ").alias("reasons")
    bad = rejected.groupBy(folder).agg(F.count("*").alias("rejected"), reasons)
    worst = bad.join(of_folder, "folder").orderBy(F.desc("rejected"), "folder").limit(_WORST)
    return [
        f"- {row.folder or '.'}: {row.rejected:,} of {row.images:,} ({row.reasons})"
        for row in worst.collect()
    ]


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
                "The reason for each stands in rejected_images.csv, in the store's 08_reporting.",
                output="rejected_images_csv",
            )
