"""Keras' networks: built, loaded with weights, converted to LiteRT; and the reference engine.

TensorFlow is imported inside the functions: it takes seconds and 1 GB, and a run with a cached
model does not need it.
"""

from __future__ import annotations

import functools
import io
import os
import tempfile
import warnings
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fruits_kedro.backbones.architectures import EFFICIENTNET_LITE0, Architecture, imagenet_path
from fruits_kedro.backbones.preprocessing import Preprocessing
from fruits_kedro.backbones.silence import quiet_stderr
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError, is_installed

if TYPE_CHECKING:
    import keras

_FILE = "backbone.keras"
# Keras adds a layer to these for ImageNet's weights alone: a file does not tell which it is of.
_GRAPH_OF_IMAGENET = ("EfficientNetB",)


def build(architecture: Architecture, weights: str | Path | None, input_size: int) -> keras.Model:
    """A network without its classifier, with global average pooling.

    Args:
        weights: ``imagenet``, a weights file (``.npz``, ``.h5``), or None for random ones.
        input_size: side of the square input, in pixels.

    Returns:
        A Keras model: float32 ``(n, input_size, input_size, 3)``, preprocessed, to
        ``(n, n_features)``.

    Raises:
        FruitsError: the network cannot take photos of this size, or the file does not hold its
            weights.
    """
    if architecture.name == EFFICIENTNET_LITE0 and weights == "imagenet":
        weights = imagenet_path(architecture)
    is_imagenet = _is_by_name(architecture, weights)
    try:
        model = _build(
            architecture, (input_size, input_size, 3), "imagenet" if is_imagenet else None
        )
    except ValueError as error:
        raise FruitsError(
            f"{architecture.name} cannot be built for {input_size} pixels: {_short(error)}"
        ) from error
    if weights is not None and not is_imagenet:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one line per layer that does not fit
                _load(model, Path(weights))
        except Exception as error:  # h5py and Keras raise OSError, ValueError, KeyError …
            raise FruitsError(
                f"The weights file {weights} does not fit {architecture.builder} without top "
                f"({architecture.n_features} features): {_short(error)}\n"
                "Give extraction.weights a file that the pretraining pipeline or Keras' "
                f"{architecture.builder}(include_top=False) saved, or 'imagenet'."
            ) from error
    return model


def _build(
    architecture: Architecture, shape: tuple[int, int, int], weights: str | None
) -> keras.Model:
    applications = load_keras().applications
    if architecture.name == EFFICIENTNET_LITE0:
        from fruits_kedro.backbones.efficientnet_lite import build_efficientnet_lite0

        return build_efficientnet_lite0(shape)
    return getattr(applications, architecture.builder)(
        input_shape=shape, include_top=False, pooling="avg", weights=weights
    )


def _is_by_name(architecture: Architecture, weights: str | Path | None) -> bool:
    """Whether Keras itself loads the weights, ImageNet's, and no file is to be loaded."""
    if weights in (None, "imagenet") or not architecture.builder.startswith(_GRAPH_OF_IMAGENET):
        return weights == "imagenet"
    if weights != imagenet_path(architecture):
        raise FruitsError(
            f"Keras builds {architecture.builder} differently for ImageNet's weights, and a file "
            "of weights does not tell.\nSave the whole model (model.save('x.keras')), and give "
            "that file as extraction.backbone. ImageNet's own weights: put "
            f"{architecture.imagenet_file} into Keras' cache, and give extraction.weights=imagenet."
        )
    return True


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _load(model: keras.Model, path: Path) -> None:
    if model.name == EFFICIENTNET_LITE0 and path.suffix == ".pth":
        from fruits_kedro.backbones.efficientnet_lite import load_efficientnet_lite0

        load_efficientnet_lite0(model, path)
        return
    if path.suffix != ".npz":
        model.load_weights(path)
        return
    weights = WeightsFile.read(path).weights
    missing = {weight.path for weight in model.weights} ^ weights.keys()
    if missing:
        raise ValueError(f"{len(missing)} arrays are missing or unknown: {sorted(missing)[0]}, …")
    for weight in model.weights:
        weight.assign(weights[weight.path])


def convert_to_litert(model: keras.Model, input_size: int) -> bytes:
    """A float32 LiteRT flatbuffer with a batch of one image, of this side in pixels."""
    with quiet_stderr(), redirect_stdout(io.StringIO()):
        return bytes(litert_converter(model, input_size).convert())


def litert_converter(model: keras.Model, input_size: int) -> Any:
    """TensorFlow's converter of a model whose batch is one image, of this side in pixels.

    Converting the function gives the same features as converting the Keras model. It takes a
    fraction of the time, because nothing is saved to disk and read back.
    """
    tf = load_tensorflow()
    image = tf.TensorSpec((1, input_size, input_size, 3), tf.float32)
    network = tf.function(functools.partial(model, training=False))
    return tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function(image)])


def to_bytes(model: keras.Model) -> bytes:
    """A model as a ``.keras`` file, for the ``tensorflow`` engine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _FILE)
        model.save(path)
        return path.read_bytes()


class TensorFlowModel:
    """The reference engine: Keras on one thread, or on a GPU if there is one."""

    def __init__(self, model: bytes, preprocessing: Preprocessing) -> None:
        tf, keras = load_tensorflow(), load_keras()
        gpus = tf.config.list_physical_devices("GPU")
        with suppress(RuntimeError):  # TensorFlow already runs in this process: it stays as it is
            for gpu in gpus:  # all workers share it, and the first would take all of its memory
                tf.config.experimental.set_memory_growth(gpu, True)
            if not gpus:
                tf.config.threading.set_intra_op_parallelism_threads(1)
                tf.config.threading.set_inter_op_parallelism_threads(1)
        self._preprocessing = preprocessing
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, _FILE)
            path.write_bytes(model)
            self._model = keras.models.load_model(path, compile=False)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 ``(n, size, size, 3)`` to float32 ``(n, n_features)``."""
        return np.asarray(self._model.predict_on_batch(self._preprocessing(images)), np.float32)


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
