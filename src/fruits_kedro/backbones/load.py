"""From a setting to a backbone: find the weights, convert them once, keep the result on disk."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from fruits_kedro.backbones import mobilenetv2
from fruits_kedro.backbones.backbone import Backbone, Engine
from fruits_kedro.backbones.backbone_file import SUFFIX, read_backbone
from fruits_kedro.backbones.weights import Weights, find_weights

logger = logging.getLogger(__name__)

PRECISION = "f32"


def load_backbone(weights: str, engine: Engine, input_size: int | None) -> Backbone:
    """Load MobileNetV2 for an engine; TensorFlow is imported only when nothing is cached.

    Args:
        weights: ``auto``, ``imagenet``, ``embedded`` or a path: of weights, or of a compiled
            backbone (``.backbone``).
        engine: ``litert`` or ``tensorflow``.
        input_size: side of the square input, in pixels; by default what the weights were
            trained on.

    Raises:
        FruitsError: no weights, or weights of another architecture.
    """
    if weights.endswith(SUFFIX):
        return read_backbone(Path(weights), engine, input_size)
    found = find_weights(weights)
    input_size = input_size or found.input_size
    cached = cache_folder() / f"{mobilenetv2.NAME}-{input_size}-{PRECISION}-{found.sha256}.{engine}"
    if cached.is_file():
        model = cached.read_bytes()
    else:
        model = _serialise(found, engine, input_size)
        _keep(cached, model)
    return Backbone(
        name=mobilenetv2.NAME,
        engine=engine,
        precision=PRECISION,
        input_size=input_size,
        n_features=mobilenetv2.N_FEATURES,
        weights_requested=weights,
        weights_source=found.source,
        weights_sha256=found.sha256,
        model=model,
    )


def cache_folder() -> Path:
    """Where converted models are kept: ``$XDG_CACHE_HOME/fruits-kedro``, else ``~/.cache/…``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "fruits-kedro")


def _serialise(weights: Weights, engine: Engine, input_size: int) -> bytes:
    logger.info("Converting the weights for %s (once; about 20 s) …", engine)
    model = mobilenetv2.build(weights.path, input_size)
    if engine == "litert":
        return mobilenetv2.convert_to_litert(model)
    return mobilenetv2.weights_to_bytes(model)


def _keep(path: Path, model: bytes) -> None:
    # Written beside and renamed, so that no other run ever reads half a model.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(model)
        os.replace(file.name, path)
    except OSError as error:
        logger.warning("The converted model could not be cached in %s: %s", path.parent, error)
