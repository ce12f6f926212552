"""Keras' MobileNetV2: its definition, its conversion to LiteRT, and the reference engine.

TensorFlow is imported inside the functions: it takes seconds and 1 GB, and a run with a cached
model does not need it.
"""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.silence import quiet_stderr
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError, is_installed

if TYPE_CHECKING:
    import keras

NAME = "mobilenetv2"


def build(weights: str | Path | None, input_size: int) -> keras.Model:
    """MobileNetV2 without its classifier, with global average pooling.

    Args:
        weights: ``imagenet``, a weights file (``.npz``, ``.h5``), or None for random ones.
        input_size: side of the square input, in pixels.

    Returns:
        A Keras model: float32 ``(n, input_size, input_size, 3)`` in -1..1 to ``(n, 1280)``.

    Raises:
        FruitsError: the file does not hold the weights of this architecture.
    """
    model = load_keras().applications.MobileNetV2(
        input_shape=(input_size, input_size, 3),
        include_top=False,
        pooling="avg",
        weights="imagenet" if weights == "imagenet" else None,
    )
    if weights not in (None, "imagenet"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one line per layer that does not fit
                _load(model, Path(weights))
        except Exception as error:  # h5py and Keras raise OSError, ValueError, KeyError …
            raise FruitsError(
                f"The weights file {weights} does not fit MobileNetV2 without top "
                f"(alpha 1.0, 1280 features): {' '.join(str(error).split())[:300]}\n"
                "Give extraction.weights a file that the pretraining pipeline or Keras' "
                "MobileNetV2(include_top=False) saved, or 'imagenet'."
            ) from error
    return model


def _load(model: keras.Model, path: Path) -> None:
    if path.suffix != ".npz":
        model.load_weights(path)
        return
    weights = WeightsFile.read(path).weights
    missing = {weight.path for weight in model.weights} ^ weights.keys()
    if missing:
        raise ValueError(f"{len(missing)} arrays are missing or unknown: {sorted(missing)[0]}, …")
    for weight in model.weights:
        weight.assign(weights[weight.path])


def preprocess(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels of 0..255 scaled to -1..1, bit for bit as Keras' ``preprocess_input`` does."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def convert_to_litert(model: keras.Model) -> bytes:
    """A float32 LiteRT flatbuffer with a batch of one image.

    Converting the frozen graph gives the same bits as converting the Keras model. It takes a
    quarter of the time, because nothing is saved to disk and read back.
    """
    tf = load_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    with quiet_stderr(), redirect_stdout(io.StringIO()):
        graph = tf.function(model).get_concrete_function(image)
        frozen = convert_variables_to_constants_v2(graph)
        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())


def weights_to_bytes(model: keras.Model) -> bytes:
    """A model's weights in Keras' HDF5 format, for the ``tensorflow`` engine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mobilenetv2.weights.h5")
        model.save_weights(path)
        return path.read_bytes()


class TensorFlowModel:
    """The reference engine: Keras on one thread, or on a GPU if there is one."""

    def __init__(self, weights: bytes, input_size: int) -> None:
        tf = load_tensorflow()
        if not tf.config.list_physical_devices("GPU"):
            try:
                tf.config.threading.set_intra_op_parallelism_threads(1)
                tf.config.threading.set_inter_op_parallelism_threads(1)
            except RuntimeError:  # TensorFlow already runs in this process and keeps its threads
                pass
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "mobilenetv2.weights.h5")
            path.write_bytes(weights)
            self._model = build(path, input_size)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 ``(n, size, size, 3)`` to float32 ``(n, n_features)``."""
        return np.asarray(self._model.predict_on_batch(preprocess(images)), np.float32)


def load_tensorflow() -> Any:
    """The ``tensorflow`` module, imported without its messages.

    Raises:
        FruitsError: it is not installed.
    """
    if not is_installed("tensorflow"):
        raise FruitsError(
            "This needs TensorFlow, which is not installed: it converts weights, trains and "
            "quantises.\nInstall it (pip install 'fruits-kedro[tensorflow]'), or give "
            "extraction.weights=embedded or a compiled .backbone file."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever another project of this user chose
    with quiet_stderr():
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    return tf


def load_keras() -> Any:
    """The ``keras`` module, with its own defaults: ``keras.json`` may be another project's."""
    load_tensorflow()
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    return keras
