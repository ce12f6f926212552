"""Every architecture gives the features that Keras gives, with Keras' own preprocessing."""

import numpy as np
import pytest

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import (
    ARCHITECTURES,
    EFFICIENTNET_LITE0,
    find_architecture,
)
from fruits_kedro.backbones.litert import LiteRTModel
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.errors import FruitsError

# The module of keras.applications that has the preprocess_input of each.
MODULES = {
    "mobilenetv2": "mobilenet_v2",
    "mobilenetv3small": "mobilenet_v3",
    "mobilenetv3large": "mobilenet_v3",
    "mobilenet": "mobilenet",
    "nasnetmobile": "nasnet",
    "efficientnetb0": "efficientnet",
    "efficientnetb3": "efficientnet",
    "efficientnetv2b0": "efficientnet_v2",
    "efficientnetv2b3": "efficientnet_v2",
    "resnet50": "resnet50",
    "resnet50v2": "resnet_v2",
    "densenet121": "densenet",
    "inceptionv3": "inception_v3",
    "xception": "xception",
    "convnexttiny": "convnext",
}
QUICK = ("mobilenetv3small",)
SIDE = 100  # small; networks whose weights depend on the side take those of 224
pytestmark = pytest.mark.filterwarnings("ignore:.input_shape. is undefined")


@pytest.fixture
def no_download(monkeypatch):
    """Keras builds networks of ImageNet's weights and leaves them random; the files it asks for."""
    keras = keras_models.load_keras()
    from keras.src.utils import file_utils

    asked = []
    monkeypatch.setattr(file_utils, "get_file", lambda name, *_, **__: asked.append(name))
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)
    yield asked
    keras.backend.clear_session()  # else all stay in memory


def agrees(name, asked):
    """With random weights, on 20 photos; and Keras names the file of weights as the table does."""
    architecture = find_architecture(name)
    keras = keras_models.load_keras()
    keras.utils.set_random_seed(0)
    model = keras_models.build(architecture, "imagenet", SIDE)
    photos = np.random.default_rng(0).integers(0, 256, (20, SIDE, SIDE, 3), np.uint8)
    pixels = photos.astype(np.float32)
    if name == EFFICIENTNET_LITE0:  # its weights and numbers: test_efficientnet_lite.py
        pixels = (pixels - 127) / 128
    else:
        assert asked == [architecture.imagenet_file]
        pixels = getattr(keras.applications, MODULES[name]).preprocess_input(pixels)
    theirs = np.asarray(model(pixels, training=False))
    converted = keras_models.convert_to_litert(model, SIDE)
    ours = LiteRTModel(converted, architecture.preprocessing)(photos)
    assert ours.shape == theirs.shape == (20, architecture.n_features)
    error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert error.max() <= 1e-5
    assert np.ptp(theirs / np.abs(theirs).max(), axis=0).max() > 1e-3  # photos differ


@pytest.mark.parametrize("name", QUICK)
def test_a_small_one_gives_keras_features(name, no_download):
    agrees(name, no_download)


@pytest.mark.servers  # with those: it takes a minute
@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in QUICK])
def test_each_gives_keras_features(name, no_download):
    agrees(name, no_download)


def test_all_are_tested():
    assert {*MODULES, EFFICIENTNET_LITE0} == ARCHITECTURES.keys()


def test_an_unknown_name_brings_those_that_are_alike():
    with pytest.raises(FruitsError, match="Did you mean resnet50"):
        find_architecture("ResNet-50")
    with pytest.raises(FruitsError, match="kedro backbones"):
        find_architecture("vit")


def test_weights_of_another_architecture_are_refused(random_weights):
    with pytest.raises(FruitsError, match="does not fit MobileNetV3Small"):
        load_backbone(str(random_weights), "litert", None, "mobilenetv3small")
    with pytest.raises(FruitsError, match="embedded weights are of mobilenetv2"):
        load_backbone("embedded", "litert", None, "resnet50")
    with pytest.raises(FruitsError, match="differently for ImageNet"):
        load_backbone(str(random_weights), "litert", None, "efficientnetb0")
