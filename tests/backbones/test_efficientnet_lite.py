"""EfficientNet-Lite0 with the weights of its package, read without PyTorch."""

import pickle

import numpy as np
import pytest

from fruits_kedro.backbones.architectures import find_architecture, imagenet_path
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.backbones.torch_file import read_torch_file
from fruits_kedro.errors import FruitsError

# Of PyTorch 2.15 with the package efficientnet-lite-pytorch 0.1.0, on the photos below: the
# largest features.
FEATURES = [468, 113, 61, 897, 1006, 747]
VALUES = [
    [4.112695217, 3.463929892, 2.516411066, 2.475775957, 2.218067884, 2.157713890],
    [3.985367060, 3.601805925, 2.489548922, 2.580153942, 2.313462973, 2.563165903],
]


@pytest.fixture
def path():
    return imagenet_path(find_architecture("efficientnetlite0"))


def test_features_are_those_of_pytorch(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    backbone = load_backbone("imagenet", "litert", None, "efficientnetlite0")
    assert (backbone.n_features, backbone.weights_source) == (1280, "imagenet")
    colours = np.random.default_rng(0).integers(0, 256, (2, 7, 7, 3))
    photos = np.kron(colours, np.ones((1, 32, 32, 1))).astype(np.uint8)
    features = backbone.load_model()(photos)
    np.testing.assert_allclose(features[:, FEATURES], VALUES, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), [9.496191, 9.629374], rtol=1e-5)


def test_a_damaged_file_gives_no_weights(path, tmp_path, monkeypatch):
    short = tmp_path / "short.pth"
    short.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(FruitsError, match="short.pth does not fit EfficientNetLite0"):
        load_backbone(str(short), "litert", None, "efficientnetlite0")
    with pytest.raises(FruitsError, match="does not fit MobileNetV2"):
        load_backbone(str(path), "litert", None, "mobilenetv2")


def test_no_code_of_a_file_runs(path, tmp_path):
    class Hostile:
        def __reduce__(self):
            return open, (str(tmp_path / "written"), "w")

    hostile = tmp_path / "hostile.pth"
    hostile.write_bytes(pickle.dumps(Hostile(), 2))
    with pytest.raises(pickle.UnpicklingError, match="the file asks for"):
        read_torch_file(hostile)
    assert not (tmp_path / "written").exists()


def test_arrays_stay_within_their_storage(path, tmp_path):
    """The first array begins at 0 and has 864 values: it is made to begin at 1."""
    moved = tmp_path / "moved.pth"
    offset, other = b"QK\x00", b"QK\x01"  # after the storage's name: the offset, a byte
    moved.write_bytes(path.read_bytes().replace(offset, other, 1))
    with pytest.raises(ValueError, match="beyond its storage"):
        read_torch_file(moved)


def test_the_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("fruits_kedro.errors.is_installed", lambda module: False)
    with pytest.raises(FruitsError, match=r"pip install 'fruits-kedro\[efficientnetlite0\]'"):
        load_backbone("imagenet", "litert", None, "efficientnetlite0")
