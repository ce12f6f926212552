"""``kedro backbones``: the backbones that there are, and how fast they are here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fruits_kedro.backbones.architectures import (
    ARCHITECTURES,
    MOBILENETV2,
    Architecture,
    imagenet_path,
)
from fruits_kedro.backbones.litert import LiteRTModel
from fruits_kedro.backbones.weights import compiled_path

_SECONDS = 0.5


def describe_backbones() -> dict[str, Any]:
    """What the command shows: a row for each architecture, below a row of titles."""
    titles = ("name", "features", "pixels", "MB", "images/s", "weights")
    return {
        "Backbones, with the speed of a core": [
            titles,
            *(_row(one) for one in ARCHITECTURES.values()),
        ]
    }


def _row(architecture: Architecture) -> tuple[str, ...]:
    model = next(_converted(architecture), None)
    megabytes = f"{model.stat().st_size / 1e6:.1f}" if model else "–"
    speed = f"{measure(model.read_bytes(), architecture):.0f}" if model else "–"
    missing = "to install" if architecture.package else "to download"
    weights = "ImageNet" if imagenet_path(architecture).is_file() else missing
    if architecture.name == MOBILENETV2:
        weights += ", embedded"
    size = str(architecture.input_size)
    return architecture.name, str(architecture.n_features), size, megabytes, speed, weights


def _converted(architecture: Architecture) -> Iterator[Path]:
    """Models that were converted on this machine, for the usual size of photos."""
    pattern = compiled_path(architecture.name, "*", architecture.input_size, "litert")
    return pattern.parent.glob(pattern.name)


def measure(model: bytes, architecture: Architecture) -> float:
    """Images a second of a LiteRT model, on one thread."""
    size = architecture.input_size
    photo = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    run = LiteRTModel(model, architecture.preprocessing)
    run(photo)
    started, images = time.perf_counter(), 0
    while (seconds := time.perf_counter() - started) < _SECONDS:
        run(photo)
        images += 1
    return images / seconds
