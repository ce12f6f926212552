"""OpenVINO as an engine: it loads the models of LiteRT and ONNX, and runs some of them faster."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from fruits_kedro.backbones.preprocessing import Preprocessing

_ONE_THREAD = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,  # else all processes share one core
}


class OpenVinoModel:
    """A model that OpenVINO runs one image at a time, on one thread."""

    def __init__(self, model: bytes, preprocessing: Preprocessing, made_for: str) -> None:
        self._preprocessing = preprocessing
        with tempfile.TemporaryDirectory() as folder:  # TensorFlow Lite is read from files alone
            path = Path(folder, "model.onnx" if made_for == "onnx" else "model.tflite")
            path.write_bytes(model)
            self._network = openvino.Core().compile_model(path, "CPU", _ONE_THREAD)
        shape = self._network.input(0).partial_shape
        self._has_channels_first = str(shape[1]) == "3"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 ``(n, size, size, 3)`` to float32 ``(n, n_features)``."""
        pixels = self._preprocessing(images)
        if self._has_channels_first:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return np.concatenate([self._network(one[None])[0] for one in pixels])
