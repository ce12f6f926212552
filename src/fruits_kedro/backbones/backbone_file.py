"""A compiled backbone as one file, for machines without TensorFlow, weights or internet."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from fruits_kedro.backbones.backbone import Backbone, Engine, Precision
from fruits_kedro.backbones.preprocessing import Preprocessing
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError

SUFFIX = ".backbone"
FORMERLY = "mobilenetv2.backbone"  # its name in stores of earlier versions
_HDF5 = b"\x89HDF"  # weights alone, which the TensorFlow engine took


def to_bytes(backbone: Backbone) -> bytes:
    """The file's content: a :class:`WeightsFile` with one array, ``model`` (uint8)."""
    info = {name: value for name, value in asdict(backbone).items() if name != "model"}
    return WeightsFile({"model": np.frombuffer(backbone.model, np.uint8)}, info).to_bytes()


def from_bytes(content: bytes) -> Backbone:
    """The backbone in a file's content; raises as :meth:`WeightsFile.read`, or TypeError."""
    file = WeightsFile.from_bytes(content)
    info, model = dict(file.info), file.weights["model"].tobytes()
    if model.startswith(_HDF5):
        raise ValueError("it is of an earlier version")
    if made := info.get("preprocessing"):
        scale, shift = tuple(made["scale"]), tuple(made["shift"])
        info["preprocessing"] = Preprocessing(scale, shift, made["order"])
    return Backbone(**info, model=model)


def read_backbone(
    path: Path,
    engine: Engine,
    input_size: int | None,
    precision: Precision | None = None,
    name: str | None = None,
) -> Backbone:
    """The backbone in a file.

    Raises:
        FruitsError: the file is missing or damaged, or its engine, input size, precision or
            architecture is not the one asked for (None accepts any).
    """
    if not path.is_file():
        raise FruitsError(f"There is no compiled backbone {path}.")
    try:
        found = from_bytes(path.read_bytes())
    except Exception as error:
        raise FruitsError(f"{path} is not a compiled backbone: {error}") from error
    if name not in (None, found.name):
        raise FruitsError(
            f"{path} is of {found.name}, not of {name}.\nGive extraction.backbone={found.name}."
        )
    found = replace(found, engine=found.made_for)
    fits = found.engine in (engine, "onnx") and input_size in (None, found.input_size)
    if not fits or precision not in (None, found.precision):
        raise FruitsError(
            f"{path} was compiled for the engine {found.engine}, {found.input_size} pixels and "
            f"{found.precision}, not for {engine}, {input_size or found.input_size} and "
            f"{precision or found.precision}.\nCompile another one, or give extraction.engine, "
            "input_size and precision as they were."
        )
    return found
