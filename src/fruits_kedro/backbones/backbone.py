"""A backbone that is broadcast to the workers, and the model they build from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.fingerprints import fingerprint
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS, Preprocessing
from fruits_kedro.errors import need

Engine = Literal["litert", "tensorflow", "onnx", "openvino"]
EngineSetting = Literal["litert", "tensorflow", "openvino", "auto"]
Precision = Literal["f32", "mixed", "int8"]
Decoding = Literal["full", "scaled"]
Resize = Literal["bicubic", "bilinear", "lanczos", "hamming", "box", "nearest"]  # of Pillow

_FLATBUFFER = b"TFL3"  # of TensorFlow Lite, in bytes 4 to 8


class FeatureModel(Protocol):
    """A backbone's model in a worker."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features, float32 ``(n, n_features)``, of RGB images, uint8 ``(n, size, size, 3)``."""
        ...


@dataclass(frozen=True)
class Backbone:
    """A feature extractor to broadcast: small, picklable, without TensorFlow.

    Attributes:
        name: the architecture.
        engine: what runs ``model``.
        precision: ``f32``, or 8-bit weights and arithmetic in some layers (``mixed``) or all
            (``int8``).
        input_size: side of the square input, in pixels.
        n_features: length of a feature vector.
        weights_requested: the setting, such as ``auto``.
        weights_source: where the weights came from: ``imagenet``, ``embedded`` or a file's name.
        weights_sha256: hash of the weights file.
        model: the serialised model that ``engine`` loads.
        preprocessing: of the pixels, before the model.
        decoding: whether the decoder may shrink large JPEGs (``scaled``).
        resize: Pillow's filter that makes photos as large as the input.
    """

    name: str
    engine: Engine
    precision: Precision
    input_size: int
    n_features: int
    weights_requested: str
    weights_source: str
    weights_sha256: str
    model: bytes
    preprocessing: Preprocessing = PREPROCESSINGS["tf"]
    decoding: Decoding = "full"
    resize: Resize = "bicubic"

    @property
    def fingerprint(self) -> str:
        """A name for architecture, input size, precision, decoding, filter and weights.

        Features of two fingerprints are never mixed. Below float32 the hash is that of the model,
        which depends on its calibration photos. The defaults of decoding and filter are not named.
        The engine is not part of it.
        """
        is_f32 = self.precision == "f32"
        digest = self.weights_sha256 if is_f32 else hashlib.sha256(self.model).hexdigest()
        usual = ("full", "bicubic")
        other = [one for one in (self.decoding, self.resize) if one not in usual]
        how = ".".join([self.precision, *other])
        return fingerprint(self.name, self.input_size, how, digest)

    @property
    def made_for(self) -> Engine:
        """The engine whose format the model has; OpenVINO loads LiteRT's and ONNX's."""
        if self.engine != "openvino":
            return self.engine
        return "litert" if self.model[4:8] == _FLATBUFFER else "onnx"

    def describe(self) -> dict[str, str | int]:
        """The fingerprint and all attributes but the model."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "weights": self.weights_source,
            "weights_requested": self.weights_requested,
            "weights_sha256": self.weights_sha256,
            "engine": self.engine,
            "precision": self.precision,
            "input_size": self.input_size,
            "decoding": self.decoding,
            "resize": self.resize,
            "n_features": self.n_features,
        }

    def load_model(self) -> FeatureModel:
        """The model, built in this process on one thread: Spark runs one worker per core."""
        if self.engine == "litert":
            from fruits_kedro.backbones.litert import LiteRTModel

            return LiteRTModel(self.model, self.preprocessing)
        if self.engine == "onnx":
            from fruits_kedro.backbones.onnx_model import OnnxModel

            return OnnxModel(self.model, self.preprocessing)
        if self.engine == "openvino":
            need("openvino")
            from fruits_kedro.backbones.openvino_model import OpenVinoModel

            return OpenVinoModel(self.model, self.preprocessing, self.made_for)
        from fruits_kedro.backbones.keras_models import TensorFlowModel

        return TensorFlowModel(self.model, self.preprocessing)
