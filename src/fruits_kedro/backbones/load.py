"""From settings to a backbone: find the weights, convert them once, cache the result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import (
    ARCHITECTURES,
    AUTO,
    MOBILENETV2,
    find_architecture,
)
from fruits_kedro.backbones.backbone import (
    Backbone,
    Decoding,
    Engine,
    EngineSetting,
    Precision,
    Resize,
)
from fruits_kedro.backbones.backbone_file import SUFFIX, read_backbone
from fruits_kedro.backbones.engines import with_engine
from fruits_kedro.backbones.model_file import is_model_file, read_model_file
from fruits_kedro.backbones.preprocessing import Preprocessing
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


@dataclass(frozen=True)
class BackboneSettings:
    """What ``extraction.*`` says of the backbone.

    Attributes:
        backbone: the name of an architecture, a model's file, or ``auto``: the store's, else
            MobileNetV2.
        weights: ``auto``, ``imagenet``, ``embedded``, a weights file or a compiled ``.backbone``
            file.
        engine: ``auto`` takes the store's or, in a new one, the fastest.
        input_size: side of the square input, in pixels; None takes the size of the weights'
            training, or the model's own.
        preprocessing: of the pixels, for a model's file; None if the file says it.
        layer: of a model's file, whose output are the features; None takes the last one, or the one
            before a softmax.
        decoding: of large JPEGs.
        resize: the filter.
    """

    backbone: str = MOBILENETV2
    weights: str = "auto"
    engine: EngineSetting = "litert"
    precision: Precision = "f32"
    input_size: int | None = None
    preprocessing: Preprocessing | None = None
    layer: str | None = None
    decoding: Decoding = "full"
    resize: Resize = "bicubic"


def find_backbone(asked: BackboneSettings, previous: Backbone | None) -> Backbone | None:
    """The backbone that is asked for, or None if it has to be calibrated on photos first.

    Args:
        previous: the store's.

    Raises:
        FruitsError: as for :func:`settle_weights`, :func:`load_backbone`,
            :func:`read_model_file` and :func:`with_engine`.
    """
    engine: EngineSetting = asked.engine
    if engine == "auto" and previous is not None and previous.engine == "tensorflow":
        engine = "tensorflow"
    made_for: Engine = "tensorflow" if engine == "tensorflow" else "litert"
    found = _find(asked, made_for, previous and replace(previous, engine=previous.made_for))
    if found is None:
        return None
    found = replace(found, decoding=asked.decoding, resize=asked.resize)
    return with_engine(found, engine, previous)


def _find(asked: BackboneSettings, engine: Engine, previous: Backbone | None) -> Backbone | None:
    if asked.backbone == AUTO:
        if asked.weights.endswith(SUFFIX):  # it says what it is of
            previous = None
        if previous is not None and previous.name not in ARCHITECTURES:
            return _own_again(asked, previous)
        asked = replace(asked, backbone=previous.name if previous else MOBILENETV2)
    if asked.precision != "f32" and asked.backbone != MOBILENETV2:
        raise FruitsError(f"extraction.precision={asked.precision} is of {MOBILENETV2} alone.")
    if is_model_file(asked.backbone):
        path = Path(asked.backbone).expanduser()
        given = engine, asked.input_size, asked.preprocessing, asked.layer
        return read_model_file(path, *given)
    if previous is not None and previous.name != asked.backbone:
        previous = None
    if asked.weights == "auto" and previous is not None:
        wanted = (engine, asked.precision, asked.input_size or previous.input_size)
        if wanted == (previous.engine, previous.precision, previous.input_size):
            return replace(previous, weights_requested=asked.weights)
    weights = settle_weights(asked.weights, previous, asked.backbone)
    if asked.precision == "f32":
        return load_backbone(weights, engine, asked.input_size, asked.backbone)
    if weights.endswith(SUFFIX):
        return read_backbone(Path(weights), engine, asked.input_size, asked.precision)
    find_weights(weights)
    return None


def _own_again(asked: BackboneSettings, previous: Backbone) -> Backbone:
    """The store's backbone, which was made from the file of a model."""
    fits = asked.weights == "auto" and asked.precision == "f32"
    if fits and asked.input_size in (None, previous.input_size):
        return previous
    raise FruitsError(
        f"The store was made with the model {previous.weights_source}.\nGive its file "
        "(extraction.backbone=…), or another backbone."
    )


def settle_weights(weights: str, previous: Backbone | None, name: str) -> str:
    """The setting; for ``auto`` that of the store's backbone, whatever can be downloaded today.

    Args:
        name: of the architecture; that of another one has no weights for it.

    Raises:
        FruitsError: the store's backbone was made with a file, which ``auto`` cannot find.
    """
    if weights != "auto" or previous is None or previous.name != name:
        return weights
    if previous.weights_source not in ("imagenet", "embedded"):
        raise FruitsError(
            f"The store was made with the weights {previous.weights_source}.\n"
            "Give their file: --params extraction.weights=<file>."
        )
    return previous.weights_source


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
