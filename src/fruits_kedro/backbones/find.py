"""From settings, and the backbone of a store, to the backbone of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fruits_kedro.backbones.architectures import ARCHITECTURES, AUTO, MOBILENETV2
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
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.backbones.model_file import is_model_file, read_model_file
from fruits_kedro.backbones.preprocessing import Preprocessing
from fruits_kedro.backbones.weights import find_weights
from fruits_kedro.errors import FruitsError


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
