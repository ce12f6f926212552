"""Photos to features: one read, one decode, one inference, one write."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone, load
from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.extraction_checkpoint import Extraction
from fruits_kedro.extraction_plan import STATES, images_in
from fruits_kedro.extractor import load_pixels
from fruits_kedro.image_source import ImageSource
from fruits_kedro.parameters import ExtractionParams
from fruits_kedro.pipelines.extraction.incremental import EXTRACTED, INDEX, compare, merge

_CALIBRATION_PHOTOS = 100
_IMAGES_A_TASK = 2048
_BYTES_A_FILE = 128 * 2**20


def load_backbone(
    params: ExtractionParams,
    raw_images: ImageSource,
    image_index: DataFrame,
    previous_backbone: Backbone | None,
) -> tuple[Backbone, dict[str, Any]]:
    """Find the weights, make of them the model that the workers run, and describe it.

    A lower precision is calibrated on 100 Training photos, chosen by a hash of their path, once
    for a store: later runs take the backbone that is there.
    """
    if params.precision == "f32":
        backbone = load.load_backbone(params.weights, params.engine, params.input_size)
        return backbone, backbone.describe()

    def photos(size: int) -> Iterator[NDArray[np.uint8]]:
        training = image_index.where("split = 'Training'").orderBy(F.xxhash64("path"), "path")
        paths = [row.path for row in training.limit(2 * _CALIBRATION_PHOTOS).collect()]
        loaded = (load_pixels(x, size, params.limits) for x in raw_images.read_all(paths))
        usable = (x for x in loaded if not isinstance(x, ImageError))
        return itertools.islice(usable, _CALIBRATION_PHOTOS)

    backbone = load.calibrate_backbone(
        params.weights, params.input_size, params.precision, previous_backbone, photos
    )
    return backbone, backbone.describe()


def plan_extraction(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    previous_features: DataFrame | None,
    previous_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> tuple[DataFrame, dict[str, int]]:
    """Find the photos that no earlier run has done, with this backbone and as they are now.

    Returns:
        The rows of the index to extract; and how many photos are ``new``, ``changed``, done by
        ``other_backbone``, ``failed_before``, ``done`` or ``gone``.
    """
    earlier = _earlier(previous_features, previous_checkpoint) if params.incremental else []
    if not earlier:
        new = {"new": int(class_counts["images"].sum())}
        return image_index.select(*INDEX), dict.fromkeys(STATES, 0) | new
    compared = compare(image_index, earlier, backbone, params.retry_rejected)
    states = compared.groupBy("state").count().collect()
    counts = {row.state: row["count"] for row in states}
    to_extract = compared.where(F.col("state").between(1, STATES.index("done") - 1))
    return to_extract.drop("state"), {
        name: counts.get(state, 0) for state, name in enumerate(STATES)
    }


def extract_features(
    images_to_extract: DataFrame,
    extraction_plan: dict[str, int],
    raw_images: ImageSource,
    backbone: Backbone,
    params: ExtractionParams,
) -> Extraction:
    """Extract the features of photos.

    Returns:
        What gives one row for each photo: ``path, split, label, bytes, modified_at, features,
        error, fingerprint, engine``; either ``features`` (list of float32) or ``error``
        (``stage: reason: detail``) is null.
    """
    spark = images_to_extract.sparkSession
    images = images_in(extraction_plan)
    shared = spark.sparkContext.broadcast(backbone)
    limits = params.limits

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.extractor import extract_batches

        return extract_batches(batches, raw_images.read_all, shared.value, limits)

    cores = spark.sparkContext.defaultParallelism
    tasks = count_tasks(images, cores)
    if raw_images.in_order:
        rows = images_to_extract.repartitionByRange(tasks, "path").sortWithinPartitions("path")
    else:
        rows = images_to_extract.repartition(tasks)
    return Extraction(rows, run)


def measure_optimum(
    extraction_plan: dict[str, int],
    extraction_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> dict[str, float]:
    """Time the model alone, in the workers that have just extracted: no run is faster than that.

    Returns:
        ``cores`` that worked at the same time and ``images_per_s`` of all of them together; empty
        where nothing was extracted.
    """
    if not images_in(extraction_plan):
        return {}
    spark = SparkSession.builder.getOrCreate()
    cores = spark.sparkContext.defaultParallelism
    shared = spark.sparkContext.broadcast(backbone)
    seconds = params.calibration_seconds

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.extractor import time_model

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"speed": [time_model(shared.value, seconds)]})

    timed = spark.range(cores, numPartitions=cores).mapInArrow(run, "speed double")
    return {"cores": cores, "images_per_s": sum(row.speed for row in timed.collect())}


def count_tasks(images: int, cores: int) -> int:
    """How many tasks: whole rounds over the cores of at most 2,048 photos each.

    What an executor that goes takes with it is what its tasks were at.
    """
    return _whole_rounds(math.ceil(images / _IMAGES_A_TASK), cores, images)


def _whole_rounds(parts: int, cores: int, images: int) -> int:
    """The next number of parts that keeps all cores busy to the end; no part is empty."""
    return max(1, min(images, cores * max(1, math.ceil(parts / cores))))


def merge_features(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    previous_features: DataFrame | None,
    extraction_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> DataFrame:
    """Put together what was extracted now and before: one row for each photo of the index.

    Returns:
        ``path, split, label, features, error, fingerprint, engine, bytes, modified_at``.
    """
    runs = _earlier(previous_features if params.incremental else None, extraction_checkpoint)
    partitions = params.partitions or count_partitions(
        int(class_counts["images"].sum()),
        backbone.n_features,
        image_index.sparkSession.sparkContext.defaultParallelism,
    )
    return merge(image_index, runs, backbone, partitions)


def _earlier(*frames: DataFrame | None) -> list[DataFrame]:
    """The frames that are there, and know what the photos were like."""
    return [
        frame.select(*EXTRACTED)
        for frame in frames
        if frame is not None and set(EXTRACTED) <= set(frame.columns)
    ]


def count_partitions(images: int, n_features: int, cores: int) -> int:
    """How many partitions, and so files: one a core, or more in whole rounds of 128 MB files."""
    return _whole_rounds(math.ceil(images * n_features * 4 / _BYTES_A_FILE), cores, images)


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
    found: pd.DataFrame = images.join(extracted, "split", "full").orderBy("split").toPandas()
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
