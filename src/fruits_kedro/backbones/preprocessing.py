"""What a model takes instead of pixels of 0..255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in 0..1
Order = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class Preprocessing:
    """``pixels / scale - shift``, in float32.

    Attributes:
        scale: for each channel, or one for all.
        shift: likewise.
        order: of the channels that the model takes; ``scale`` and ``shift`` have this order, too.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]
    order: Order = "rgb"

    @classmethod
    def of_statistics(cls, mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocessing:
        """``(pixels / 255 - mean) / std``, as PyTorch's models take it."""
        return cls(tuple(255 * s for s in std), tuple(m / s for m, s in zip(mean, std)))

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 RGB ``(…, 3)`` to float32 ``(…, 3)``."""
        pixels = np.empty(images.shape, np.float32)
        self.into(pixels, images)
        return pixels

    def into(self, pixels: NDArray[np.float32], images: NDArray[np.uint8]) -> None:
        """The same, written into an array that is there."""
        channels = images if self.order == "rgb" else images[..., ::-1]
        np.divide(channels, np.asarray(self.scale, np.float32), out=pixels)
        np.subtract(pixels, np.asarray(self.shift, np.float32), out=pixels)


# By the names of keras.applications.imagenet_utils.preprocess_input; ``none``: it is in the model;
# ``lite``: of EfficientNet-Lite, (pixels - 127) / 128.
PREPROCESSINGS = {
    "none": Preprocessing((1.0,), (0.0,)),
    "tf": Preprocessing((127.5,), (1.0,)),
    "caffe": Preprocessing((1.0,), (103.939, 116.779, 123.68), "bgr"),
    "torch": Preprocessing.of_statistics(_MEAN, _STD),
    "lite": Preprocessing((128.0,), (127 / 128,)),
}
