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
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone, load
from fruits_kedro.errors import ImageError
from fruits_kedro.exact_partitions import partition_key
from fruits_kedro.extraction_checkpoint import Extraction
from fruits_kedro.extraction_plan import STATES, images_in
from fruits_kedro.extractor import load_pixels
from fruits_kedro.image_source import ImageSource
from fruits_kedro.parameters import ExtractionParams, ImageLimits
from fruits_kedro.pipelines.extraction.incremental import EXTRACTED, INDEX, compare, merge
from fruits_kedro.stored_features import StoredFeatures
from fruits_kedro.task_layout import TaskLayout, count_tasks, whole_rounds

_CALIBRATION_PHOTOS = 100
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
    images = images_in(extraction_plan)
    return extract(images_to_extract, images, raw_images, backbone, params.limits)


def extract(
    rows: DataFrame, images: int, raw_images: ImageSource, backbone: Backbone, limits: ImageLimits
) -> Extraction:
    """Lay out an extraction: the backbone broadcast, the rows parted into tasks.

    Args:
        rows: of the photos: ``path, bytes, position`` in the order of their paths, and others,
            which stay.
        images: how many rows.
        raw_images: to read from.
        backbone: to extract with.
        limits: what a photo may cost.
    """
    sc = rows.sparkSession.sparkContext
    shared = sc.broadcast(backbone)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.extractor import extract_batches

        return extract_batches(batches, raw_images.read_all, shared.value, limits)

    cores = sc.defaultParallelism
    layout = TaskLayout.of(images, cores)
    if raw_images.in_order:
        rows = rows.repartitionByRange(count_tasks(images, cores), "position")
    else:
        # Neighbours stay together: who puts the files in order reads each of them once.
        key = partition_key(layout.tasks, layout.task_of("position"))
        rows = rows.repartition(layout.tasks, F.expr(key))
    return Extraction(rows.sortWithinPartitions("position").drop("position"), run, layout.stretch)


def merge_features(
    image_index: DataFrame,
    class_counts: pd.DataFrame,
    previous_features: DataFrame | None,
    extraction_checkpoint: DataFrame | None,
    backbone: Backbone,
    params: ExtractionParams,
) -> StoredFeatures:
    """Put together what was extracted now and before: one row for each photo of the index.

    Returns:
        ``path, split, label, features, error, fingerprint, engine, bytes, modified_at``.
    """
    runs = _earlier(previous_features if params.incremental else None, extraction_checkpoint)
    images = int(class_counts["images"].sum())
    cores = image_index.sparkSession.sparkContext.defaultParallelism
    partitions = params.partitions or count_partitions(images, backbone.n_features, cores)
    return merge(image_index, runs, backbone, images, partitions)


def _earlier(*frames: DataFrame | None) -> list[DataFrame]:
    """The frames that are there, and know what the photos were like."""
    return [frame for frame in frames if frame is not None and set(EXTRACTED) <= set(frame.columns)]


def count_partitions(images: int, n_features: int, cores: int) -> int:
    """How many partitions, and so files: one a core, or more in whole rounds of 128 MB files."""
    return whole_rounds(math.ceil(images * n_features * 4 / _BYTES_A_FILE), cores, images)
