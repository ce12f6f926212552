"""Photos to features: each photo is read, decoded and inferred once."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.backbones.architectures import AUTO
from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.schema import EARLIER, INDEX
from fruits_kedro.features.status import STATUSES, count_pending
from fruits_kedro.images.source import ImageSource
from fruits_kedro.pipelines.extraction.incremental import OUTSIDE_OTHER_BACKBONE, compare, merge
from fruits_kedro.spark.backbone import choose_backbone
from fruits_kedro.spark.contracts import in_subset
from fruits_kedro.spark.extraction import ExtractionJob, extraction_job
from fruits_kedro.spark.feature_refs import FeatureRefs
from fruits_kedro.spark.partitioning import in_waves

_BYTES_A_FILE = 128 * 2**20


def load_backbone(
    params: ExtractionParams,
    raw_images: ImageSource,
    image_index: DataFrame,
    previous_backbone: Backbone | None,
) -> tuple[Backbone, dict[str, Any]]:
    """The backbone that the workers run, and its description."""
    backbone = choose_backbone(params, raw_images, image_index, previous_backbone)
    return backbone, backbone.describe()


def plan_extraction(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    previous_features: DataFrame | None,
    previous_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> tuple[DataFrame, dict[str, int]]:
    """The photos to extract: those not yet done with this backbone as they are now.

    Returns:
        The rows of the index to extract; and the number of photos of each of ``STATUSES``.
    """
    earlier = _earlier(previous_features, previous_checkpoint)
    if not earlier:
        new = {"new": int(class_counts["images"].sum())}
        photos = in_subset(image_index).select(*INDEX)
        return photos, dict.fromkeys(STATUSES, 0) | new
    compared = compare(image_index, earlier, backbone, params)
    states = compared.groupBy("state").count().collect()
    counts = {row.state: row["count"] for row in states}
    if others := counts.get(OUTSIDE_OTHER_BACKBONE):
        raise FruitsError(
            f"The store has features of {others:,} photos outside the subset that another backbone "
            f"extracted, not {backbone.fingerprint} ({backbone.engine}). Those of two backbones "
            "never mix.\nGive the weights, precision and input size of that run, or subset=full "
            "to extract all photos again, or another store: --params store=…"
        )
    if counts.get(STATUSES.index("other_backbone")):
        _check_weights(earlier[0], backbone, params)
    to_extract = compared.where(F.col("state").between(1, STATUSES.index("done") - 1))
    return to_extract.drop("state"), {
        name: counts.get(state, 0) for state, name in enumerate(STATUSES)
    }


def _check_weights(earlier: DataFrame, backbone: Backbone, params: ExtractionParams) -> None:
    """Raise FruitsError if ``auto`` alone, and no other setting, chose another backbone."""
    row = earlier.select("fingerprint", "engine").first()
    if params.weights != "auto" or row is None:
        return
    name, size, precision, _ = row.fingerprint.rsplit("-", 3)
    if name != backbone.name:
        if params.backbone != AUTO:
            return
        raise FruitsError(
            f"The store's features are of {row.fingerprint}, and its backbone is missing "
            "(06_models/model.backbone).\nName it: --params "
            f"extraction.backbone={name} (or its file). Or extract all photos again: --params "
            f"extraction.backbone={backbone.name}"
        )
    asked = backbone.fingerprint.rsplit("-", 2)[1]
    is_as_asked = params.input_size in (None, int(size)) and precision == asked
    if is_as_asked and params.engine in ("auto", row.engine):
        raise FruitsError(
            f"The store's features are of {row.fingerprint}, and extraction.weights=auto found "
            f"{backbone.weights_source} weights ({backbone.fingerprint}).\nGive the weights of "
            "the store, or the new ones to extract all photos again: --params extraction.weights="
            f"{backbone.weights_source}"
        )


def extract_features(
    images_to_extract: DataFrame,
    extraction_plan: dict[str, int],
    raw_images: ImageSource,
    backbone: Backbone,
    params: ExtractionParams,
) -> ExtractionJob:
    """The job that extracts the features of photos. Saving it runs it.

    Returns:
        Its rows, one per photo: ``path, split, label, bytes, modified_at, features, error,
        fingerprint, engine``. Either ``features`` (list of float32) or ``error`` (``stage: reason:
        detail``) is null.
    """
    images = count_pending(extraction_plan)
    return extraction_job(images_to_extract, images, raw_images, backbone, params.limits)


def merge_features(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    previous_features: DataFrame | None,
    extraction_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> FeatureRefs:
    """One row per photo of the subset, extracted now or before; other photos keep theirs.

    Returns:
        ``path, split, label, features, error, fingerprint, engine, bytes, modified_at, in_subset``.
    """
    earlier, now = _earlier(previous_features), _earlier(extraction_checkpoint)
    images = int(class_counts["images"].sum())
    outside = image_index.count() - images
    # At most: those that an earlier run extracted. No plan tells: it may be of another run.
    kept = min(outside, earlier[0].count()) if outside and earlier else 0
    cores = image_index.sparkSession.sparkContext.defaultParallelism

    def files(photos: int) -> int:
        return params.partitions or count_partitions(photos, backbone.n_features, cores)

    # Without a checkpoint nothing was extracted again: the earlier rows are all there is.
    incremental = params.incremental or not now
    kept_files = files(kept) if kept else 0
    return merge(
        image_index, earlier, now, backbone, incremental, images, files(images), kept_files
    )


def _earlier(*frames: DataFrame | None) -> list[DataFrame]:
    """The frames that exist and have the columns of today."""
    return [frame for frame in frames if frame is not None and set(frame.columns) >= set(EARLIER)]


def count_partitions(images: int, n_features: int, cores: int) -> int:
    """Number of partitions, and so of files: a multiple of the cores, 128 MB per file at most."""
    return in_waves(math.ceil(images * n_features * 4 / _BYTES_A_FILE), cores, images)
