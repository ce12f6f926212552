"""A user's own model as a backbone: a file of Keras, TensorFlow Lite or ONNX."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.backbone import Backbone, Engine
from fruits_kedro.backbones.backbone_file import from_bytes, to_bytes
from fruits_kedro.backbones.input_size import check_size
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS, Preprocessing
from fruits_kedro.errors import FruitsError, need
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.storage.filesystem import write_atomic

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

_KERAS = (".keras", ".h5")
_SUFFIXES = (*_KERAS, ".tflite", ".onnx")
_MOST_BYTES = 2**31  # the largest flatbuffer and protocol buffer
_TO_PROBABILITIES = ("softmax", "sigmoid")


def is_model_file(backbone: str) -> bool:
    """Whether ``extraction.backbone`` names a file, and not an architecture."""
    return Path(backbone).suffix.lower() in _SUFFIXES


def read_model_file(
    path: Path,
    engine: Engine,
    input_size: int | None,
    preprocessing: Preprocessing | None,
    layer: str | None,
) -> Backbone:
    """The backbone in a model's file. It is converted and tried once; the result is cached.

    Args:
        input_size: side of the square input, in pixels; None takes the model's own.
        preprocessing: of the pixels, before the model; None if it is inside.
        layer: whose output are the features: a layer of Keras, a tensor of ONNX. None takes the
            model's output or, if that is of probabilities, what they are made from.

    Raises:
        FruitsError: the file is missing, damaged or too large; it takes no photos of three
            channels, or gives no vector; a setting is missing that the file does not have.
    """
    if not path.is_file():
        raise FruitsError(f"extraction.backbone: there is no file {path}.")
    if path.stat().st_size >= _MOST_BYTES:
        length = f"{path.stat().st_size:,} bytes"
        raise FruitsError(f"{path} has {length}; less than 2 GB can be shared.")
    content = path.read_bytes()
    name = re.sub(r"[^\w.]+", "_", path.stem)[:40]
    asked = f"{engine} {input_size} {preprocessing} {layer}".encode()
    cached = cache_folder() / f"file-{hashlib.sha256(content + asked).hexdigest()}.backbone"
    if cached.is_file():
        with suppress(Exception):  # another version's, or damaged: made anew
            known = from_bytes(cached.read_bytes())
            return replace(known, name=name, weights_source=path.name)
    engine, model, size, preprocessing = _convert(
        path, content, engine, input_size, preprocessing, layer
    )
    backbone = Backbone(
        name=name,
        engine=engine,
        precision="f32",
        input_size=size,
        n_features=0,
        weights_requested="auto",
        weights_source=path.name,
        weights_sha256=hashlib.sha256(content + f"{preprocessing} {layer}".encode()).hexdigest(),
        model=model,
        preprocessing=preprocessing,
    )
    backbone = replace(backbone, n_features=_length(backbone, path))
    with suppress(OSError):
        write_atomic(cached, to_bytes(backbone))
    return backbone


def _convert(
    path: Path,
    content: bytes,
    engine: Engine,
    input_size: int | None,
    preprocessing: Preprocessing | None,
    layer: str | None,
) -> tuple[Engine, bytes, int, Preprocessing]:
    """What runs the model, the model, the side of its input in pixels, and its preprocessing."""
    suffix = path.suffix.lower()
    if suffix in _KERAS:
        return engine, *_from_keras(path, engine, input_size, preprocessing, layer)
    if engine == "tensorflow":
        raise FruitsError(f"{path} is no model of Keras: leave extraction.engine=litert.")
    made_for: Engine = "litert" if suffix == ".tflite" else "onnx"
    if suffix == ".tflite":
        model, size = content, _from_tflite(path, content, input_size, layer)
    else:
        need("onnxruntime", "onnx")
        from fruits_kedro.backbones.onnx_model import prepare

        model, size = prepare(path, content, input_size, layer)
    if preprocessing is None:
        raise _no_preprocessing(path)
    return made_for, model, size, preprocessing


def _no_preprocessing(path: Path) -> FruitsError:
    return FruitsError(
        f"{path} does not say what it takes instead of pixels of 0 to 255.\nSay it: "
        f"extraction.preprocessing={'|'.join(PREPROCESSINGS)}, or its mean and std "
        "(docs/backbones.md)."
    )


def _length(backbone: Backbone, path: Path) -> int:
    """The length of a feature vector, of two photos that are tried.

    Raises:
        FruitsError: the model fails on them, gives no vector or no finite one.
    """
    side = backbone.input_size
    photos = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    try:
        found = backbone.load_model()(photos)
    except Exception as error:
        raise FruitsError(
            f"{path} fails on a photo: {' '.join(str(error).split())[:300]}"
        ) from error
    if found.ndim != 2 or not np.isfinite(found).all():
        what = "NaN or infinity" if found.ndim == 2 else f"an array of {found.shape[1:]}"
        raise FruitsError(
            f"{path} gives {what} for a photo, not a vector.\nA layer that gives one can be named: "
            "extraction.layer=…"
        )
    return int(found.shape[1])


def _from_keras(
    path: Path,
    engine: Engine,
    input_size: int | None,
    preprocessing: Preprocessing | None,
    layer: str | None,
) -> tuple[bytes, int, Preprocessing]:
    keras = keras_models.load_keras()
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise FruitsError(
            f"{path} is not a whole model that Keras can load ({type(error).__name__}).\nLayers "
            "with code of their own (Lambda, custom layers) are refused. Weights alone are given "
            "as extraction.weights, with the name of their architecture as extraction.backbone."
        ) from error
    model = _cut(keras, model, path, layer)
    sides = _sides(path, model)
    has_own = bool(_kinds(model) & {"Rescaling", "Normalization"})
    if preprocessing is None:
        if not has_own:
            raise _no_preprocessing(path)
        preprocessing = PREPROCESSINGS["none"]
    elif has_own and preprocessing != PREPROCESSINGS["none"]:
        logger.warning(
            "%s has a layer that rescales pixels, and extraction.preprocessing changes them before "
            "it: leave it out, or give none, unless both are meant.",
            path,
        )
    size = check_size(path, sides, input_size)
    if engine == "tensorflow":
        return keras_models.to_bytes(model), size, preprocessing
    logger.info("Converting %s for LiteRT (once; 10 s or more) …", path)
    return keras_models.convert_to_litert(model, size), size, preprocessing


def _sides(path: Path, model: keras.Model) -> Any:
    """The sides of the photos that a model takes; FruitsError unless it gives a vector of each."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise FruitsError(
            f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs.\nOne is "
            "needed, and the layer that gives the features: extraction.layer=…"
        )
    taken, given = model.inputs[0].shape, model.outputs[0].shape
    if len(taken) != 4 or taken[-1] != 3:
        raise FruitsError(f"{path} takes {tuple(taken)}, no photos with channels last.")
    if len(given) != 2:
        raise FruitsError(
            f"{path} gives an array of {tuple(given[1:])} for a photo, not a vector.\nA layer that "
            "gives one can be named: extraction.layer=…"
        )
    return taken[1:3]


def _kinds(model: Any) -> set[str]:
    """The kinds of all layers, also of models within the model."""
    within = (_kinds(one) for one in model.layers if hasattr(one, "layers"))
    return {type(one).__name__ for one in model.layers}.union(*within)


def _cut(keras: Any, model: keras.Model, path: Path, layer: str | None) -> keras.Model:
    """The model up to a layer, or to what its classifier takes, if it gives probabilities."""
    if layer is None:
        *_, last = model.layers
        makes = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
        if makes not in _TO_PROBABILITIES:
            return model
        head = last if hasattr(last, "units") else model.layers[-2]
        logger.info("%s: the features are what its layer %s takes", path, head.name)
        return keras.Model(model.inputs, head.input)
    try:
        return keras.Model(model.inputs, model.get_layer(layer).output)
    except ValueError:
        names = ", ".join(one.name for one in model.layers[-8:])
        raise FruitsError(f"{path} has no layer {layer}; its last ones are: {names}") from None


def _from_tflite(path: Path, content: bytes, input_size: int | None, layer: str | None) -> int:
    """The side of the input in pixels."""
    from fruits_kedro.backbones.litert import describe

    if layer is not None:
        raise FruitsError(f"{path} cannot be cut at {layer}: TensorFlow Lite keeps no layers.")
    try:
        shapes, dtype, outputs = describe(content)
    except Exception as error:
        raise FruitsError(f"{path} is no model of TensorFlow Lite: {error}") from error
    if len(shapes) != 1 or outputs != 1 or dtype != np.float32:
        raise FruitsError(
            f"{path} has {len(shapes)} inputs of {np.dtype(dtype)} and {outputs} outputs; one of "
            "float32 and one are needed."
        )
    shape = [int(side) for side in shapes[0]]
    if len(shape) != 4 or shape[3] != 3 or shape[0] not in (-1, 1) or min(shape[1:]) < 1:
        raise FruitsError(
            f"{path} takes {shape}, no photo of a fixed size with channels last.\nConvert it for "
            "[1, side, side, 3]."
        )
    return check_size(path, shape[1:3], input_size)
