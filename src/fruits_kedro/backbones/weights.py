"""Where the weights of a backbone are found."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)

IMAGENET_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
IMAGENET_SHA256 = "64f0589cc653f9de5e1080287946a2a87c55916ef6f3ecfa81d233e003af13fe"
_DOWNLOAD_TIMEOUT_S = 10


@dataclass(frozen=True)
class Weights:
    """A file of weights: ``source`` says how it was asked for, ``sha256`` what it holds."""

    source: str
    path: Path
    sha256: str


def find_weights(weights: str) -> Weights:
    """Find the weights that ``extraction.weights`` names.

    Args:
        weights: ``auto`` or ``imagenet`` (Keras' cache, else a download), or a path.

    Raises:
        FruitsError: there are none: the file is missing, or neither cached nor downloadable.
    """
    if weights in ("auto", "imagenet"):
        found = _imagenet()
        if found.sha256 != IMAGENET_SHA256:
            logger.warning(
                "%s is not the file that Keras publishes (its sha256 begins with %s). "
                "Delete it to have Keras download it again.",
                found.path,
                found.sha256[:12],
            )
        return found
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FruitsError(
            f"Weights: there is no file {path}.\n"
            "Give 'imagenet', or the path of MobileNetV2 weights (.npz, or .h5 of Keras)."
        )
    return Weights(path.name, path, _sha256(path))


def keras_home() -> Path:
    """Where Keras keeps its downloads: ``KERAS_HOME``, else ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _imagenet() -> Weights:
    path = keras_home() / "models" / IMAGENET_FILE
    if not path.is_file():
        _download()
    if not path.is_file():
        raise FruitsError(f"Keras downloaded its ImageNet weights, but not to {path}.")
    return Weights("imagenet", path, _sha256(path))


def _download() -> None:
    from fruits_kedro.backbones import mobilenetv2

    logger.info("Downloading Keras' ImageNet weights (9 MB) to %s …", keras_home())
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    try:
        mobilenetv2.build("imagenet", 224)
    except Exception as error:
        raise FruitsError(
            "The ImageNet weights of MobileNetV2 are neither cached nor downloadable "
            f"({' '.join(str(error).split())[:200]}).\n"
            f"Put {IMAGENET_FILE} into {keras_home() / 'models'}, point KERAS_HOME to a folder "
            "that has it under models/, or give extraction.weights=<file>."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
