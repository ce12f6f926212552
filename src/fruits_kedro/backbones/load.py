"""From weights to a backbone: convert them once, and cache the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import MOBILENETV2, find_architecture
from fruits_kedro.backbones.backbone import Backbone, Engine, Precision
from fruits_kedro.backbones.backbone_file import SUFFIX, read_backbone
from fruits_kedro.backbones.weights import COMPILED, EMBEDDED, Weights, compiled_path, find_weights
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import write_atomic

logger = logging.getLogger(__name__)


def load_backbone(
    weights: str, engine: Engine, input_size: int | None, name: str = MOBILENETV2
) -> Backbone:
    """A backbone for an engine; TensorFlow is imported only if nothing is compiled yet.

    Args:
        weights: ``auto``, ``imagenet``, ``embedded``, a weights file or a compiled ``.backbone``
            file.
        input_size: side of the square input, in pixels; None takes the size of the weights'
            training.
        name: of the architecture.

    Raises:
        FruitsError: no such architecture, no weights, or weights of another architecture.
    """
    architecture = find_architecture(name)
    if weights.endswith(SUFFIX):
        asked = None if name == MOBILENETV2 else name  # the file says what it is of
        return read_backbone(Path(weights), engine, input_size, name=asked)
    found = find_weights(weights, name)
    input_size = input_size or found.input_size
    if (found.path, engine, input_size) == (EMBEDDED, "litert", found.input_size):
        compiled = read_backbone(COMPILED, engine, input_size)
        return replace(compiled, weights_requested=weights, weights_source=found.source)
    cached = compiled_path(name, found.sha256, input_size, engine)
    if cached.is_file():
        model = cached.read_bytes()
    else:
        logger.info("Converting %s for %s (once; 10 s or more) …", name, engine)
        built = keras_models.build(architecture, found.path, input_size)
        is_litert = engine == "litert"
        model = (
            keras_models.convert_to_litert(built, input_size)
            if is_litert
            else keras_models.to_bytes(built)
        )
        try:
            write_atomic(cached, model)
        except OSError as error:
            logger.warning("The converted model could not be cached in %s: %s", cached, error)
    return _backbone(weights, found, engine, "f32", input_size, model, name)


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
    model = keras_models.build(find_architecture(MOBILENETV2), found.path, input_size)
    quantised = quantize(model, precision, calibration)
    return _backbone(weights, found, "litert", precision, input_size, quantised, MOBILENETV2)


def _backbone(
    requested: str,
    found: Weights,
    engine: Engine,
    precision: Precision,
    size: int,
    model: bytes,
    name: str,
) -> Backbone:
    architecture = find_architecture(name)
    return Backbone(
        name=name,
        engine=engine,
        precision=precision,
        input_size=size,
        n_features=architecture.n_features,
        weights_requested=requested,
        weights_source=found.source,
        weights_sha256=found.sha256,
        model=model,
        preprocessing=architecture.preprocessing,
    )
