"""A compiled backbone as one file: for machines without TensorFlow, weights or internet."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from fruits_kedro.backbones.backbone import Backbone, Engine, Precision
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import write_atomic

SUFFIX = ".backbone"


def to_bytes(backbone: Backbone) -> bytes:
    """The content of a file: a :class:`WeightsFile` of one array, ``model`` (uint8)."""
    info = {name: value for name, value in asdict(backbone).items() if name != "model"}
    return WeightsFile({"model": np.frombuffer(backbone.model, np.uint8)}, info).to_bytes()


def from_bytes(content: bytes) -> Backbone:
    """The backbone of a file's content.

    Raises:
        ValueError, KeyError, TypeError: it is not one.
    """
    file = WeightsFile.from_bytes(content)
    return Backbone(**file.info, model=file.weights["model"].tobytes())


def write_backbone(backbone: Backbone, path: Path) -> None:
    """Write a backbone, atomically."""
    write_atomic(path, to_bytes(backbone))


def read_backbone(
    path: Path, engine: Engine, input_size: int | None, precision: Precision | None = None
) -> Backbone:
    """Read a backbone.

    Args:
        path: of the file.
        engine: that it has to be for.
        input_size: that it has to be for; None: any.
        precision: that it has to be of; None: any.

    Raises:
        FruitsError: there is no such file, it is damaged, or it is another one than asked for.
    """
    if not path.is_file():
        raise FruitsError(f"There is no compiled backbone {path}.")
    try:
        found = from_bytes(path.read_bytes())
    except Exception as error:
        raise FruitsError(f"{path} is not a compiled backbone: {error}") from error
    fits = found.engine == engine and input_size in (None, found.input_size)
    if not fits or precision not in (None, found.precision):
        raise FruitsError(
            f"{path} was compiled for the engine {found.engine}, {found.input_size} pixels and "
            f"{found.precision}, not for {engine}, {input_size or found.input_size} and "
            f"{precision or found.precision}.\nCompile another one, or give extraction.engine, "
            "input_size and precision as they were."
        )
    return found
