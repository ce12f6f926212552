"""Finds the weights of a backbone."""

from __future__ import annotations

import functools
import logging
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fruits_kedro.backbones.architectures import (
    ARCHITECTURES,
    MOBILENETV2,
    Architecture,
    find_architecture,
    imagenet_path,
    keras_home,
)
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError, is_installed, need
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.storage.filesystem import sha256_of

logger = logging.getLogger(__name__)

IMAGENET_SHA256 = "64f0589cc653f9de5e1080287946a2a87c55916ef6f3ecfa81d233e003af13fe"
IMAGENET_FILE = ARCHITECTURES[MOBILENETV2].imagenet_file
IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/" + IMAGENET_FILE
)
EMBEDDED = Path(__file__).with_name("embedded.npz")
COMPILED = Path(__file__).with_name("embedded.backbone")  # the same for LiteRT, at their input size
_EMBEDDED_INSTEAD = (
    "Using the EMBEDDED ones, trained on apples, cherries and tomatoes. Their features differ from "
    "ImageNet's (docs/embedded_weights.md)."
)
_DOWNLOAD_TIMEOUT_S = 10
_PROBE_TIMEOUT_S = 4


@dataclass(frozen=True)
class Weights:
    """A weights file.

    Attributes:
        source: ``imagenet``, ``embedded`` or the file's name.
        input_size: side of the images it was trained on, in pixels.
    """

    source: str
    path: Path
    sha256: str
    input_size: int = 224


def find_weights(weights: str, name: str = MOBILENETV2) -> Weights:
    """The weights that ``extraction.weights`` names.

    Args:
        weights: ``imagenet`` (Keras' cache, else a download), ``embedded`` (this package's own, of
            MobileNetV2), ``auto`` (``imagenet`` if available, else ``embedded`` with a warning),
            or a path.
        name: of the architecture.

    Raises:
        FruitsError: the file is missing or not a weights file, or ImageNet's weights are neither
            cached nor downloadable.
    """
    architecture = find_architecture(name)
    if weights == "auto":
        weights = _choose(keras_home()) if name == MOBILENETV2 else "imagenet"
    if weights == "imagenet":
        return _imagenet(architecture)
    if weights == "embedded":
        if name != MOBILENETV2:
            raise FruitsError(
                f"The embedded weights are of {MOBILENETV2}, not of {name}.\nGive "
                "extraction.weights=imagenet or a file."
            )
        return _from_file(EMBEDDED, "embedded")
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FruitsError(
            f"Weights: there is no file {path}.\n"
            f"Give 'auto', 'imagenet', 'embedded', or the path of {name} weights (.npz of the "
            "pretraining pipeline, .h5 of Keras)."
        )
    return _from_file(path, path.name, architecture.input_size)


def compiled_path(name: str, sha256: str, input_size: int, engine: str) -> Path:
    """Where weights are kept once they are compiled for an engine, in float32."""
    suffix = "keras" if engine == "tensorflow" else engine
    return cache_folder() / f"{name}-{input_size}-f32-{sha256}.{suffix}"


def _from_file(path: Path, source: str, input_size: int = 224) -> Weights:
    if path.suffix != ".npz":
        return Weights(source, path, sha256_of(path), input_size)
    try:
        size = int(WeightsFile.read_info(path)["input_size"])
    except Exception as error:
        raise FruitsError(
            f"{path} is not a file of weights that the pretraining pipeline wrote: {error}"
        ) from error
    return Weights(source, path, sha256_of(path), size)


@functools.cache
def _choose(home: Path) -> str:
    """``imagenet`` if available, else ``embedded``; decided once per process, with one warning."""
    mobilenetv2 = ARCHITECTURES[MOBILENETV2]
    is_there = imagenet_path(mobilenetv2).is_file()
    if not is_installed("tensorflow"):
        if is_there and _compiled_imagenet().is_file():
            return "imagenet"
        logger.warning(
            "TensorFlow, which converts ImageNet's weights once, is not installed (pip install "
            "'fruits-kedro[tensorflow]'). %s",
            _EMBEDDED_INSTEAD,
        )
        return "embedded"
    if is_there:
        return "imagenet"
    if _server_answers():
        try:
            _imagenet(mobilenetv2)
            return "imagenet"
        except FruitsError as error:
            logger.info("%s", error)
    logger.warning(
        "No ImageNet weights: they are not in %s, and cannot be downloaded. %s",
        home / "models",
        _EMBEDDED_INSTEAD,
    )
    return "embedded"


def _server_answers() -> bool:
    def probe() -> bool:
        request = urllib.request.Request(IMAGENET_URL, method="HEAD")
        with urllib.request.urlopen(request, timeout=_PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == 200)

    # In a thread, because a DNS look-up has no timeout.
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(probe).result(_PROBE_TIMEOUT_S)
    except (OSError, TimeoutError):
        return False
    finally:
        pool.shutdown(wait=False)


def _compiled_imagenet() -> Path:
    return compiled_path(MOBILENETV2, IMAGENET_SHA256, 224, "litert")


def _imagenet(architecture: Architecture) -> Weights:
    path = imagenet_path(architecture)
    if architecture.package:
        need(architecture.package)
    if not path.is_file():
        _download(architecture)
    if not path.is_file():
        raise FruitsError(f"Keras downloaded its ImageNet weights, but not to {path}.")
    found = Weights("imagenet", path, sha256_of(path), architecture.input_size)
    if architecture.name == MOBILENETV2 and found.sha256 != IMAGENET_SHA256:
        logger.warning(
            "%s is not the file that Keras publishes (its sha256 begins with %s). "
            "Delete it to have Keras download it again.",
            path,
            found.sha256[:12],
        )
    return found


def _download(architecture: Architecture) -> None:
    from fruits_kedro.backbones import keras_models

    keras_models.load_tensorflow()
    logger.info("Downloading Keras' ImageNet weights to %s …", keras_home())
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    instead = "give extraction.weights=embedded (or a file)"
    if architecture.name != MOBILENETV2:
        instead = "give extraction.weights a file"
    try:
        keras_models.build(architecture, "imagenet", architecture.input_size)
    except Exception as error:
        raise FruitsError(
            f"The ImageNet weights of {architecture.builder} are neither cached nor downloadable "
            f"({' '.join(str(error).split())[:200]}).\n"
            f"Put {architecture.imagenet_file} into {keras_home() / 'models'}, point KERAS_HOME to "
            f"a folder that has it under models/, or {instead}."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
