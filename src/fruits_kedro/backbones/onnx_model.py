"""The engine for ONNX files: ONNX Runtime on CPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from fruits_kedro.backbones.input_size import check_size
from fruits_kedro.backbones.preprocessing import Preprocessing
from fruits_kedro.errors import FruitsError

_TO_PROBABILITIES = ("Softmax", "Sigmoid")


class OnnxModel:
    """An ONNX model that runs one image at a time, on one thread."""

    def __init__(self, model: bytes, preprocessing: Preprocessing) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(model, options, providers)
        (self._input,) = self._session.get_inputs()
        self._has_channels_first = self._input.shape[1] == 3
        self._preprocessing = preprocessing

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 ``(n, size, size, 3)`` to float32 ``(n, n_features)``."""
        pixels = self._preprocessing(images)
        if self._has_channels_first:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        rows = [self._session.run(None, {self._input.name: one[None]})[0] for one in pixels]
        return np.concatenate(rows)


def prepare(
    path: Path, content: bytes, input_size: int | None, tensor: str | None
) -> tuple[bytes, int]:
    """A model whose only output are the features, and the side of its input in pixels.

    Args:
        tensor: the output that is asked for, or any tensor in the model. None takes the only output
            or, if that is of probabilities, what the classifier before them takes.

    Raises:
        FruitsError: it is damaged, takes no photos, or has several outputs.
    """
    try:
        model = onnx.load_from_string(content)
    except Exception as error:
        raise FruitsError(
            f"{path} is no ONNX model: {' '.join(str(error).split())[:300]}"
        ) from error
    graph = model.graph
    weights = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in weights]
    dims = [one.type.tensor_type.shape.dim for one in inputs]
    shape = [dim.dim_value or None for dim in dims[0]] if dims else []
    if len(inputs) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise FruitsError(
            f"{path} takes {', '.join(one.name for one in inputs)} of {shape}: one input of photos "
            "with three channels is needed."
        )
    if shape[0] not in (None, 1):
        raise FruitsError(
            f"{path} takes {shape[0]} photos at once.\nExport it for one, or for any."
        )
    size = check_size(path, shape[2:4] if shape[1] == 3 else shape[1:3], input_size)
    name = _output(path, graph, tensor)
    del graph.output[:]
    graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return model.SerializeToString(), size


def _output(path: Path, graph: Any, tensor: str | None) -> str:
    """The tensor that holds the features."""
    makers = {name: node for node in graph.node for name in node.output}
    outputs = [one.name for one in graph.output]
    if tensor is not None:
        if tensor not in makers:
            raise FruitsError(
                f"{path} has no tensor {tensor}; its outputs are {', '.join(outputs)}."
            )
        return tensor
    if len(outputs) > 1:
        raise FruitsError(
            f"{path} has {len(outputs)} outputs: {', '.join(outputs)}.\n"
            "Name one: extraction.layer=…"
        )
    node = makers[outputs[0]]
    if node.op_type not in _TO_PROBABILITIES:
        return outputs[0]
    while node.op_type not in ("Gemm", "MatMul"):  # the classifier's matrix
        node = makers[next(name for name in node.input if name in makers)]
    return str(node.input[0])
