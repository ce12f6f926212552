"""What augmentation does to an image, and what it leaves alone."""

import numpy as np
import pytest

from fruits_kedro.backbones import keras_models
from fruits_kedro.config.parameters import Augmentation

NONE = {"flip": False, "rotation": 0, "scale": 0, "colour": 0}
RED = np.tile(np.float32([0.8, 0.4, 0.4]), (64, 16, 16, 1))


def augment(*arguments, **options):
    keras_models.load_tensorflow()
    from fruits_kedro.pretraining.classifier import augment

    return augment(*arguments, **options)


def varied(images, **options):
    keras = keras_models.load_keras()
    layers = augment(Augmentation(**NONE | options), seed=0)
    model = keras.Sequential([keras.Input(images.shape[1:]), *layers])
    return np.asarray(model(images, training=True)), np.asarray(model(images, training=False))


@pytest.mark.parametrize(
    "option", [{"flip": True}, {"rotation": 30}, {"scale": 0.2}, {"crop": 0.4}, {"shift": 0.2}]
)
def test_shape_is_varied_in_training_alone(option):
    images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    trained, applied = varied(images, **option)
    assert np.array_equal(applied, images)
    assert np.abs(trained - images).mean() > 0.01


def test_colours_vary_around_the_true_ones():
    trained, applied = varied(RED, colour=0.2)
    assert np.array_equal(applied, RED)
    saturation = 1 - trained.min(axis=-1) / trained.max(axis=-1)
    assert saturation.std() > 0.01
    assert abs(saturation.mean() - 0.5) < 0.05  # of RED itself: colours are neither lost nor added
    assert abs(trained.mean() - RED.mean()) < 0.05


def test_nothing_asked_for_is_nothing_done():
    assert augment(Augmentation(**NONE), seed=0) == []
