"""A compiled backbone as one file: for machines without TensorFlow, weights or internet."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from fruits_kedro.backbones.backbone import Backbone, Engine
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError

SUFFIX = ".backbone"


def write_backbone(backbone: Backbone, path: Path) -> None:
    """Write a backbone as a :class:`WeightsFile` of one array, ``model`` (uint8)."""
    info = {name: value for name, value in asdict(backbone).items() if name != "model"}
    WeightsFile({"model": np.frombuffer(backbone.model, np.uint8)}, info).write(path)


def read_backbone(path: Path, engine: Engine, input_size: int | None) -> Backbone:
    """Read a backbone.

    Raises:
        FruitsError: there is no such file, it is damaged, or it was compiled for another engine
            or input size than asked for.
    """
    if not path.is_file():
        raise FruitsError(f"There is no compiled backbone {path}.")
    try:
        file = WeightsFile.read(path)
        found = Backbone(**file.info, model=file.weights["model"].tobytes())
    except Exception as error:
        raise FruitsError(f"{path} is not a compiled backbone: {error}") from error
    if found.engine != engine or input_size not in (None, found.input_size):
        raise FruitsError(
            f"{path} was compiled for the engine {found.engine} and {found.input_size} pixels, "
            f"not for {engine} and {input_size}.\nCompile another one, or leave "
            "extraction.engine and extraction.input_size as they were."
        )
    return found
