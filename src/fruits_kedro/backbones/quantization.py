"""Lower precision: TensorFlow's post-training quantization, calibrated on photos."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.keras_models import litert_converter, load_tensorflow
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS
from fruits_kedro.backbones.silence import quiet_stderr

if TYPE_CHECKING:
    import keras

# ``mixed`` keeps these in float32: layers whose values spread widely, and the first and last ones.
# Most of the work is in the pointwise convolutions of the other blocks.
_FLOAT_OPERATIONS = {"DEPTHWISE_CONV_2D", "ADD", "MEAN"}
_FLOAT_LAYERS = ("Conv1_", "expanded_conv_", *(f"block_{n}_" for n in range(1, 5)), "Conv_1_")


def quantize(model: keras.Model, precision: str, photos: Iterable[NDArray[np.uint8]]) -> bytes:
    """A LiteRT flatbuffer with 8-bit weights and activations.

    Args:
        model: MobileNetV2: float32 ``(n, size, size, 3)`` in -1..1 to features; input and output
            stay float32.
        precision: ``int8`` (all layers) or ``mixed`` (pointwise convolutions of the later blocks).
        photos: some hundred typical ones, uint8 ``(size, size, 3)``. They set the range of each
            layer's activations.
    """
    tf = load_tensorflow()
    calibration = [PREPROCESSINGS["tf"](pixels)[None] for pixels in photos]

    def dataset() -> Iterator[list[NDArray[np.float32]]]:
        for pixels in calibration:
            yield [pixels]

    with quiet_stderr(), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converter = litert_converter(model, model.input_shape[1])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = dataset
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
