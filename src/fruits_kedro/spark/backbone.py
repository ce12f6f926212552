"""The backbone that the parameters ask for, calibrated on photos if necessary."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones import Backbone
from fruits_kedro.backbones.architectures import MOBILENETV2
from fruits_kedro.backbones.find import find_backbone, settle_weights
from fruits_kedro.backbones.load import calibrate_backbone
from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.errors import ImageError
from fruits_kedro.features.extract import load_pixels
from fruits_kedro.images.source import ImageSource
from fruits_kedro.spark.contracts import in_subset

_CALIBRATION_PHOTOS = 100


def choose_backbone(
    params: ExtractionParams,
    raw_images: ImageSource,
    image_index: DataFrame,
    previous_backbone: Backbone | None,
) -> Backbone:
    """The backbone that the workers run.

    A lower precision is calibrated once per store, on 100 Training photos that a hash of the path
    chooses. Later runs use the stored backbone.
    """
    if (found := find_backbone(params.backbone_settings, previous_backbone)) is not None:
        return found

    def photos(size: int) -> Iterator[NDArray[np.uint8]]:
        training = (
            in_subset(image_index).where("split = 'Training'").orderBy(F.xxhash64("path"), "path")
        )
        paths = [row.path for row in training.limit(2 * _CALIBRATION_PHOTOS).collect()]
        loaded = (
            load_pixels(x, size, params.limits, params.decoding, params.resize)
            for x in raw_images.read_all(paths)
        )
        usable = (x for x in loaded if not isinstance(x, ImageError))
        return itertools.islice(usable, _CALIBRATION_PHOTOS)

    weights = settle_weights(params.weights, previous_backbone, MOBILENETV2)
    found = calibrate_backbone(
        weights, params.input_size, params.precision, previous_backbone, photos
    )
    return replace(found, decoding=params.decoding, resize=params.resize)
