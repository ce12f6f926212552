"""Which engine runs a model: LiteRT and ONNX Runtime have their own, OpenVINO takes both."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.backbone import Backbone, Engine, FeatureModel
from fruits_kedro.errors import FruitsError, is_installed, need
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.storage.filesystem import write_atomic

logger = logging.getLogger(__name__)

_TOLERANCE = 1e-5
_FASTER = 1.1  # by so much, or the model's own engine stays
_PHOTOS, _ROUNDS = 4, 5


def with_engine(found: Backbone, asked: str, previous: Backbone | None) -> Backbone:
    """The same backbone, run by the engine that is asked for.

    Args:
        found: with the engine that its model was made for.
        asked: ``openvino``; ``auto``: the store's, else the faster one of those installed here.
            Any other leaves the model's own.
        previous: the store's backbone.

    Raises:
        FruitsError: OpenVINO is not installed, cannot load the model, or gives other features.
    """
    if asked == "auto":
        is_of_store = previous is not None and previous.fingerprint == found.fingerprint
        asked = previous.engine if previous is not None and is_of_store else _faster(found)
    if asked != "openvino":
        return found
    need("openvino")
    _measure(found)
    return replace(found, engine="openvino")


def _faster(found: Backbone) -> Engine:
    is_comparable = found.precision == "f32" and found.engine != "tensorflow"
    if not is_comparable or not is_installed("openvino"):
        return found.engine
    try:
        seconds = _measure(found)
    except FruitsError as error:
        logger.info("OpenVINO is left out: %s", error)
        return found.engine
    return "openvino" if seconds["openvino"] * _FASTER < seconds["own"] else found.engine


def _measure(found: Backbone) -> dict[str, float]:
    """Seconds a photo in the model's own engine and in OpenVINO; measured once, then cached.

    Raises:
        FruitsError: OpenVINO cannot load the model, or its features differ by more than 1e-5 of
            the largest.
    """
    packages = ("openvino", "onnxruntime" if found.engine == "onnx" else "ai-edge-litert")
    versions = [importlib.metadata.version(package) for package in packages]
    digest = hashlib.sha256(found.model + f"{found.preprocessing} {versions}".encode()).hexdigest()
    cached = cache_folder() / f"engines-{digest}.json"
    with suppress(OSError, ValueError):
        known: dict[str, float] = json.loads(cached.read_text())
        return known
    logger.info("Comparing %s with OpenVINO (once) …", found.engine)
    side = found.input_size
    photos = np.random.default_rng(0).integers(0, 256, (_PHOTOS, side, side, 3), np.uint8)
    try:
        models = {
            "own": found.load_model(),
            "openvino": replace(found, engine="openvino").load_model(),
        }
        own, other = (model(photos) for model in models.values())
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise FruitsError(f"OpenVINO cannot run {found.name}: {text}") from error
    difference = float(np.abs(other - own).max() / np.abs(own).max())
    if not difference < _TOLERANCE:
        raise FruitsError(
            f"OpenVINO gives other features of {found.name} than {found.engine}: they differ by "
            f"{difference:.0e} of the largest, and {_TOLERANCE:.0e} is allowed.\nLeave "
            "extraction.engine=litert."
        )
    seconds = seconds_a_photo(models, photos, _ROUNDS)
    with suppress(OSError):
        write_atomic(cached, json.dumps(seconds).encode())
    return seconds


def seconds_a_photo(
    models: Mapping[str, FeatureModel], photos: NDArray[np.uint8], rounds: int
) -> dict[str, float]:
    """Of each model the least of some rounds, in which the models take turns."""
    seconds = dict.fromkeys(models, np.inf)
    for _ in range(rounds):
        for name, model in models.items():
            started = time.perf_counter()
            model(photos)
            seconds[name] = min(seconds[name], (time.perf_counter() - started) / len(photos))
    return seconds
