"""The engines against published features, and where weights come from."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES
from fruits_kedro.backbones.backbone_file import to_bytes
from fruits_kedro.backbones.find import BackboneSettings, find_backbone, settle_weights
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.backbones.weights import IMAGENET_FILE
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.extract import extract, get_model
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.storage.cache import cache_folder


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_features_equal_the_published_ones(engine, shared, imagenet):
    golden = pq.read_table(shared / "golden" / "mobilenetv2_imagenet_features.parquet")
    published = np.array(golden.column("features").to_pylist(), np.float32)
    backbone = load_backbone("imagenet", engine, 224)
    photos = ImageFolder(str(shared / "data" / "fruits-360"))
    contents = photos.read_all(golden.column("path").to_pylist())
    ours = np.array(extract(contents, get_model(backbone), backbone))
    assert ours.shape == published.shape == (240, 1280)
    error = np.linalg.norm(ours - published, axis=1) / np.linalg.norm(published, axis=1)
    assert error.max() <= 1e-5


def test_engines_agree_and_share_a_fingerprint(random_weights):
    photos = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), np.uint8)
    litert, tensorflow = (
        load_backbone(str(random_weights), engine, 96) for engine in ("litert", "tensorflow")
    )
    assert litert.fingerprint == tensorflow.fingerprint
    assert litert.fingerprint.startswith("mobilenetv2-96-f32-")
    ours, theirs = litert.load_model()(photos), tensorflow.load_model()(photos)
    assert ours.dtype == np.float32 and ours.shape == (5, 1280)
    error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert error.max() <= 1e-4
    assert np.ptp(theirs, axis=0).max() > 0.1  # photos differ, so do features


def test_the_compiled_embedded_weights_are_those_of_their_file(monkeypatch):
    photos = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), np.uint8)
    theirs = load_backbone("embedded", "tensorflow", None)
    monkeypatch.setattr(keras_models, "load_tensorflow", lambda: pytest.fail("imported TensorFlow"))
    ours = load_backbone("embedded", "litert", None)
    assert ours.weights_sha256 == theirs.weights_sha256 and ours.weights_requested == "embedded"
    monkeypatch.undo()
    found, expected = ours.load_model()(photos), theirs.load_model()(photos)
    error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert error.max() <= 1e-4


def test_workers_share_a_gpu(random_weights, monkeypatch):
    """There is no GPU here: two names stand for two, and TensorFlow still computes on the CPU."""
    config, grows = keras_models.load_tensorflow().config, []
    monkeypatch.setattr(config, "list_physical_devices", lambda kind: [f"{kind}:0", f"{kind}:1"])
    monkeypatch.setattr(config.experimental, "set_memory_growth", lambda *one: grows.append(one))
    load_backbone(str(random_weights), "tensorflow", 96).load_model()
    assert grows == [("GPU:0", True), ("GPU:1", True)]


def test_a_cached_model_needs_no_tensorflow(random_weights, monkeypatch):
    first = load_backbone(str(random_weights), "litert", 96)
    assert (cache_folder() / f"mobilenetv2-96-f32-{first.weights_sha256}.litert").is_file()
    monkeypatch.setattr(keras_models, "load_tensorflow", lambda: pytest.fail("imported TensorFlow"))
    assert load_backbone(str(random_weights), "litert", 96) == first


def test_other_weights_have_another_fingerprint(random_weights, tmp_path):
    keras_models.load_keras().utils.set_random_seed(1)
    other = tmp_path / "other.weights.h5"
    keras_models.build(ARCHITECTURES["mobilenetv2"], None, 96).save_weights(other)
    one, two = (load_backbone(str(path), "litert", 96) for path in (random_weights, other))
    assert one.fingerprint != two.fingerprint


def test_auto_stays_with_what_the_store_was_made_with(random_weights, monkeypatch, tmp_path):
    embedded = load_backbone("embedded", "litert", None)
    of_file = load_backbone(str(random_weights), "litert", 96)
    for module in ("find", "load"):
        name = f"fruits_kedro.backbones.{module}.find_weights"
        monkeypatch.setattr(name, lambda *_: pytest.fail("probed"))
    for stored in (embedded, of_file):
        found = find_backbone(BackboneSettings(), stored)
        assert found == replace(stored, weights_requested="auto")
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    smaller = find_backbone(BackboneSettings(input_size=64), embedded)
    assert (smaller.weights_source, smaller.input_size) == ("embedded", 64)
    with pytest.raises(FruitsError, match="made with the weights random.weights.h5"):
        find_backbone(BackboneSettings(input_size=64), of_file)


def test_a_store_keeps_its_backbone_unless_another_one_is_named(random_weights, tmp_path):
    auto = BackboneSettings(backbone="auto")
    own = replace(load_backbone(str(random_weights), "litert", 96), name="own", engine="onnx")
    assert find_backbone(auto, own) == own
    with pytest.raises(FruitsError, match="made with the model random.weights.h5"):
        find_backbone(replace(auto, input_size=64), own)
    with pytest.raises(FruitsError, match="is of mobilenetv2 alone"):
        find_backbone(replace(auto, precision="int8"), replace(own, name="resnet50"))
    (tmp_path / "own.backbone").write_bytes(to_bytes(own))
    compiled = replace(auto, weights=str(tmp_path / "own.backbone"))
    stored = load_backbone("embedded", "litert", None)
    for previous in (None, own, stored, replace(stored, name="resnet50")):
        assert find_backbone(compiled, previous) == own


def test_weights_of_a_store_of_another_network_are_not_asked_for():
    store = replace(load_backbone("embedded", "litert", None), weights_source="own.npz")
    with pytest.raises(FruitsError, match="The store was made with the weights own.npz"):
        settle_weights("auto", store, "mobilenetv2")
    assert settle_weights("auto", replace(store, name="resnet50"), "mobilenetv2") == "auto"


def test_missing_file_of_weights(tmp_path):
    with pytest.raises(FruitsError, match="there is no file .*nothing.h5"):
        load_backbone(str(tmp_path / "nothing.h5"), "litert", 96)


def test_weights_of_another_architecture(tmp_path):
    keras = keras_models.load_keras()
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(FruitsError, match="does not fit MobileNetV2"):
        load_backbone(str(tmp_path / "small.weights.h5"), "litert", 96)


def test_no_weights_and_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def no_network(*_):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras_models, "build", no_network)  # a machine without a network
    with pytest.raises(FruitsError, match="neither cached nor downloadable") as caught:
        load_backbone("imagenet", "litert", 224)
    assert IMAGENET_FILE in str(caught.value) and str(tmp_path / "models") in str(caught.value)


def test_an_unexpected_imagenet_file_is_said(tmp_path, random_weights, monkeypatch, caplog):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / IMAGENET_FILE).write_bytes(random_weights.read_bytes())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FruitsError, match="does not fit|fits"):
        load_backbone("imagenet", "litert", 32)
    assert "is not the file that Keras publishes" in caplog.text
