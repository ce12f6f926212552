"""What is broadcast to the workers, and the model they make of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.fingerprints import fingerprint

Engine = Literal["litert", "tensorflow"]
Precision = Literal["f32", "mixed", "int8"]


class FeatureModel(Protocol):
    """A compiled backbone in a worker."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch.

        Args:
            images: uint8, shape ``(n, input_size, input_size, 3)``, RGB.

        Returns:
            float32, shape ``(n, n_features)``.
        """
        ...


@dataclass(frozen=True)
class Backbone:
    """A feature extractor in a form that travels: small, picklable, without TensorFlow.

    Attributes:
        name: the architecture.
        engine: what runs it.
        precision: of the weights and of the arithmetic: ``f32``, or 8 bits for a part of the
            layers (``mixed``) or all of them (``int8``).
        input_size: side of the square input, in pixels.
        n_features: length of a feature vector.
        weights_requested: what was asked for: ``auto`` …
        weights_source: where the weights came from: ``imagenet``, ``embedded`` or a file's name.
        weights_sha256: of the weights' file.
        model: the serialised model that ``engine`` loads.
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

    @property
    def fingerprint(self) -> str:
        """A name for architecture, input size, precision and weights.

        Features of two fingerprints are never mixed. Below float32 the hash is that of the model
        itself, which depends on the photos it was calibrated on. Decoding, the resize filter and
        the engine are not in it: who changes the filter has to change the fingerprint as well.
        """
        is_f32 = self.precision == "f32"
        digest = self.weights_sha256 if is_f32 else hashlib.sha256(self.model).hexdigest()
        return fingerprint(self.name, self.input_size, self.precision, digest)

    def describe(self) -> dict[str, str | int]:
        """Everything but the model itself."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "weights": self.weights_source,
            "weights_requested": self.weights_requested,
            "weights_sha256": self.weights_sha256,
            "engine": self.engine,
            "precision": self.precision,
            "input_size": self.input_size,
            "n_features": self.n_features,
        }

    def load_model(self) -> FeatureModel:
        """Build the model in this process, on one thread (Spark runs one worker a core)."""
        if self.engine == "litert":
            from fruits_kedro.backbones.litert import LiteRTModel

            return LiteRTModel(self.model)
        from fruits_kedro.backbones.mobilenetv2 import TensorFlowModel

        return TensorFlowModel(self.model, self.input_size)
