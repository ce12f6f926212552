"""From a setting to a backbone: find the weights, convert them once, cache the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones import mobilenetv2
from fruits_kedro.backbones.backbone import N_FEATURES, Backbone, Engine, Precision
from fruits_kedro.backbones.backbone_file import SUFFIX, read_backbone
from fruits_kedro.backbones.weights import (
    COMPILED,
    EMBEDDED,
    Weights,
    compiled_path,
    find_weights,
)
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import write_atomic

logger = logging.getLogger(__name__)


def find_backbone(
    weights: str,
    engine: Engine,
    precision: Precision,
    input_size: int | None,
    previous: Backbone | None,
) -> Backbone | None:
    """The backbone that the settings ask for, or None if it has to be calibrated on photos first.

    Raises:
        FruitsError: as for :func:`settle_weights` and :func:`load_backbone`.
    """
    if weights == "auto" and previous is not None:
        asked = (engine, precision, input_size or previous.input_size)
        if asked == (previous.engine, previous.precision, previous.input_size):
            return replace(previous, weights_requested=weights)
    weights = settle_weights(weights, previous)
    if precision == "f32":
        return load_backbone(weights, engine, input_size)
    if weights.endswith(SUFFIX):
        return read_backbone(Path(weights), engine, input_size, precision)
    find_weights(weights)
    return None


def settle_weights(weights: str, previous: Backbone | None) -> str:
    """The setting; for ``auto`` that of the store's backbone, whatever can be downloaded today.

    Raises:
        FruitsError: the store's backbone was made with a file, which ``auto`` cannot find.
    """
    if weights != "auto" or previous is None:
        return weights
    if previous.weights_source not in ("imagenet", "embedded"):
        raise FruitsError(
            f"The store was made with the weights {previous.weights_source}.\n"
            "Give their file: --params extraction.weights=<file>."
        )
    return previous.weights_source


def load_backbone(weights: str, engine: Engine, input_size: int | None) -> Backbone:
    """MobileNetV2 for an engine; TensorFlow is imported only if nothing is compiled yet.

    Args:
        weights: ``auto``, ``imagenet``, ``embedded``, a weights file or a compiled ``.backbone``
            file.
        input_size: side of the square input, in pixels; None takes the size of the weights'
            training.

    Raises:
        FruitsError: no weights, or weights of another architecture.
    """
    if weights.endswith(SUFFIX):
        return read_backbone(Path(weights), engine, input_size)
    found = find_weights(weights)
    input_size = input_size or found.input_size
    if (found.path, engine, input_size) == (EMBEDDED, "litert", found.input_size):
        compiled = read_backbone(COMPILED, engine, input_size)
        return replace(compiled, weights_requested=weights, weights_source=found.source)
    cached = compiled_path(found.sha256, input_size, engine)
    if cached.is_file():
        model = cached.read_bytes()
    else:
        logger.info("Converting the weights for %s (once; about 10 s) …", engine)
        is_litert = engine == "litert"
        convert = mobilenetv2.convert_to_litert if is_litert else mobilenetv2.weights_to_bytes
        model = convert(mobilenetv2.build(found.path, input_size))
        try:
            write_atomic(cached, model)
        except OSError as error:
            logger.warning("The converted model could not be cached in %s: %s", cached, error)
    return _backbone(weights, found, engine, "f32", input_size, model)


def calibrate_backbone(
    weights: str,
    input_size: int | None,
    precision: Precision,
    previous: Backbone | None,
    photos: Callable[[int], Iterable[NDArray[np.uint8]]],
) -> Backbone:
    """MobileNetV2 for LiteRT in a lower precision; the rest is as for :func:`load_backbone`.

    Args:
        previous: backbone of an earlier run. If it fits, it is used again, so that features stay
            the same when photos are added.
        photos: takes a side in pixels and gives the calibration photos.

    Raises:
        FruitsError: also if there are no photos to calibrate on.
    """
    found = find_weights(weights)
    input_size = input_size or found.input_size
    asked = ("litert", precision, input_size, found.sha256)
    if previous is not None and asked == (
        *(previous.engine, previous.precision, previous.input_size, previous.weights_sha256),
    ):
        return replace(previous, weights_requested=weights)
    calibration = list(photos(input_size))
    if not calibration:
        raise FruitsError(
            f"extraction.precision={precision} is calibrated on Training photos, and none of "
            "those looked at can be used.\nGive extraction.precision=f32, or more photos."
        )
    from fruits_kedro.backbones.quantization import quantize

    logger.info("Calibrating %s on %d photos (once) …", precision, len(calibration))
    model = quantize(mobilenetv2.build(found.path, input_size), precision, calibration)
    return _backbone(weights, found, "litert", precision, input_size, model)


def _backbone(
    requested: str, found: Weights, engine: Engine, precision: Precision, size: int, model: bytes
) -> Backbone:
    return Backbone(
        name=mobilenetv2.NAME,
        engine=engine,
        precision=precision,
        input_size=size,
        n_features=N_FEATURES,
        weights_requested=requested,
        weights_source=found.source,
        weights_sha256=found.sha256,
        model=model,
    )
