"""Lower precision: TensorFlow's post-training quantisation, calibrated on photos."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.mobilenetv2 import load_tensorflow, preprocess
from fruits_kedro.backbones.silence import quiet_stderr

if TYPE_CHECKING:
    import keras

# What ``mixed`` leaves in float32: layers with few weights for each channel, whose values spread
# widely, and those at both ends. The pointwise convolutions of the others are most of the work.
_FLOAT_OPERATIONS = {"DEPTHWISE_CONV_2D", "ADD", "MEAN"}
_FLOAT_LAYERS = ("Conv1_", "expanded_conv_", *(f"block_{n}_" for n in range(1, 5)), "Conv_1_")


def quantize(model: keras.Model, precision: str, photos: Iterable[NDArray[np.uint8]]) -> bytes:
    """Convert a Keras model to a LiteRT flatbuffer with weights and activations of 8 bits.

    Args:
        model: float32 ``(n, size, size, 3)`` in -1..1 to features; float32 stay input and output.
        precision: ``int8`` (all of it) or ``mixed`` (the pointwise convolutions of the later
            blocks).
        photos: uint8 ``(size, size, 3)``, some hundred typical ones: the range of each layer's
            activations is what they make of it.
    """
    tf = load_tensorflow()
    calibration = [preprocess(pixels)[None] for pixels in photos]

    def dataset() -> Iterator[list[NDArray[np.float32]]]:
        for pixels in calibration:
            yield [pixels]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = dataset
    with quiet_stderr(), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = bytes(converter.convert())
        return quantized if precision == "int8" else _partly(tf, converter, quantized, dataset)


def _partly(tf: Any, converter: Any, quantized: bytes, dataset: Any) -> bytes:
    interpreter = tf.lite.Interpreter(model_content=quantized)
    names = {detail["name"] for detail in interpreter.get_tensor_details()}
    layers = [name for name in names if any(f"/{layer}" in name for layer in _FLOAT_LAYERS)]
    options = tf.lite.experimental.QuantizationDebugOptions(
        denylisted_ops=_FLOAT_OPERATIONS, denylisted_nodes=layers
    )
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=dataset, debug_options=options
    )
    return bytes(debugger.get_nondebug_quantized_model())
