"""Photos to features: one read, one decode, one inference, one write."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone, load
from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.errors import FruitsError
from fruits_kedro.image_folder import ImageFolder
from fruits_kedro.parameters import ExtractionParams

EXTRACTED_SCHEMA = (
    "path string, split string, label string, features array<float>, error string, "
    "fingerprint string"
)
_BYTES_A_FILE = 128 * 2**20


def load_backbone(params: ExtractionParams) -> tuple[Backbone, dict[str, Any]]:
    """Find the weights, make of them the model that the workers run, and describe it."""
    backbone = load.load_backbone(params.weights, params.engine, params.input_size)
    return backbone, backbone.describe()


def extract_features(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    raw_images: ImageFolder,
    backbone: Backbone,
    params: ExtractionParams,
) -> DataFrame:
    """Extract the features of every photo of the index.

    Returns:
        ``path, split, label, features, error, fingerprint``: one row for each row of the index;
        either ``features`` (array<float>) or ``error`` (``stage: reason: detail``) is null.
    """
    spark = image_index.sparkSession
    shared = spark.sparkContext.broadcast(backbone)
    partitions = params.partitions or count_partitions(
        int(class_counts["images"].sum()),
        backbone.n_features,
        spark.sparkContext.defaultParallelism,
    )

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.extractor import extract_batches

        return extract_batches(batches, raw_images.read_all, shared.value)

    rows = image_index.select("path", "split", "label").repartition(partitions)
    return rows.mapInArrow(run, EXTRACTED_SCHEMA)


def count_partitions(images: int, n_features: int, cores: int) -> int:
    """How many partitions, and so files: one a core, or more in whole rounds of 128 MB files."""
    files = math.ceil(images * n_features * 4 / _BYTES_A_FILE)
    rounds = max(1, math.ceil(files / cores))
    return max(1, min(rounds * cores, images))


def split_extracted(extracted_features: DataFrame) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Part the usable rows from the rejected ones.

    Returns:
        ``path, split, label, features, fingerprint``; and ``path, split, label, stage, reason,
        detail`` twice: for Parquet and for CSV.
    """
    features = extracted_features.where("error is null").drop("error")
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
        ``split, images, features, rejected``.

    Raises:
        FruitsError: a photo is missing or doubled, a split has no usable photo at all, or the
            features come from more than one backbone.
    """
    images = image_index.groupBy("split").agg(F.count("*").alias("images"))
    extracted = extracted_features.groupBy("split").agg(
        F.count_if(F.isnull("error")).alias("features"),
        F.count("error").alias("rejected"),
        F.collect_set(F.expr("case when error is null then fingerprint end")).alias("prints"),
    )
    found: pd.DataFrame = images.join(extracted, "split", "full").orderBy("split").toPandas()
    counts = found.drop(columns="prints").fillna(0)
    counts = counts.astype(dict.fromkeys(("images", "features", "rejected"), "int64"))
    check_one_backbone({name for prints in found["prints"].dropna() for name in prints})
    _check(counts, rejected_images)
    return counts


def _check(counts: pd.DataFrame, rejected: DataFrame) -> None:
    lost = counts[counts["images"] != counts["features"] + counts["rejected"]]
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
