"""The default engine: LiteRT, TensorFlow's small runtime (XNNPACK on CPUs)."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fruits_kedro.backbones.preprocessing import Preprocessing
from fruits_kedro.backbones.silence import quiet_stderr


class LiteRTModel:
    """A LiteRT flatbuffer that runs one image at a time, on one thread."""

    def __init__(self, model: bytes, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        with quiet_stderr():
            self._interpreter = Interpreter(model_content=model, num_threads=1)
            self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._pixels = np.empty(self._input["shape"], np.float32)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 ``(n, size, size, 3)`` to float32 ``(n, n_features)``."""
        features = np.empty((len(images), self._output["shape"][-1]), np.float32)
        for row, image in enumerate(images):
            self._preprocessing.into(self._pixels[0], image)
            self._interpreter.set_tensor(self._input["index"], self._pixels)
            self._interpreter.invoke()
            features[row] = self._interpreter.get_tensor(self._output["index"])[0]
        return features


def describe(model: bytes) -> tuple[list[NDArray[np.int32]], type, int]:
    """Shapes of a model's inputs (-1: any side), the first one's dtype, number of outputs."""
    with quiet_stderr():
        interpreter = Interpreter(model_content=model, num_threads=1)
    inputs = interpreter.get_input_details()
    shapes = [one["shape_signature"] for one in inputs]
    return shapes, inputs[0]["dtype"], len(interpreter.get_output_details())
