"""OpenVINO in the place of a model's own engine: named, or found to be faster."""

import time
from dataclasses import replace

import numpy as np
import pytest
from tests.backbones.test_model_file import write_onnx

from fruits_kedro import errors
from fruits_kedro.backbones.backbone import Backbone
from fruits_kedro.backbones.backbone_file import from_bytes, read_backbone, to_bytes
from fruits_kedro.backbones.find import BackboneSettings, find_backbone
from fruits_kedro.backbones.litert import LiteRTModel
from fruits_kedro.backbones.openvino_model import OpenVinoModel
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS
from fruits_kedro.errors import FruitsError

EMBEDDED = BackboneSettings(weights="embedded")
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), np.uint8)


@pytest.fixture(autouse=True)
def nothing_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def slow_down(monkeypatch, model):
    whole = model.__call__
    monkeypatch.setattr(model, "__call__", lambda *args: time.sleep(0.05) or whole(*args))


def assert_near(ours, theirs):
    assert ours.dtype == np.float32 and ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


def test_openvino_gives_the_features_of_litert(tmp_path):
    litert = find_backbone(EMBEDDED, None)
    openvino = find_backbone(replace(EMBEDDED, engine="openvino"), None)
    assert (litert.engine, openvino.engine) == ("litert", "openvino")
    assert litert.fingerprint == openvino.fingerprint
    kept = tmp_path / "model.backbone"
    kept.write_bytes(to_bytes(openvino))
    loaded = from_bytes(kept.read_bytes()).load_model()
    assert isinstance(loaded, OpenVinoModel)
    assert_near(loaded(PHOTOS), litert.load_model()(PHOTOS))
    assert read_backbone(kept, "litert", None) == replace(litert, weights_requested="embedded")


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_openvino_gives_the_features_of_onnx_runtime(tmp_path, layout):
    path = tmp_path / "model.onnx"
    write_onnx(path, layout)
    asked = BackboneSettings(backbone=str(path), preprocessing=PREPROCESSINGS["torch"])
    onnx, openvino = (
        find_backbone(replace(asked, engine=engine), None) for engine in ("litert", "openvino")
    )
    assert (onnx.engine, openvino.engine, openvino.made_for) == ("onnx", "openvino", "onnx")
    photos = PHOTOS[:, :64, :64]
    assert_near(openvino.load_model()(photos), onnx.load_model()(photos))


def test_auto_takes_the_faster_engine_and_measures_once(monkeypatch):
    auto = replace(EMBEDDED, engine="auto")
    slow_down(monkeypatch, LiteRTModel)
    assert find_backbone(auto, None).engine == "openvino"
    monkeypatch.setattr(Backbone, "load_model", lambda _: pytest.fail("measured again"))
    assert find_backbone(auto, None).engine == "openvino"
    store = find_backbone(EMBEDDED, None)
    assert find_backbone(auto, store).engine == "litert"  # features of a store stay as they are


def test_auto_leaves_an_engine_that_is_faster(monkeypatch):
    slow_down(monkeypatch, OpenVinoModel)
    assert find_backbone(replace(EMBEDDED, engine="auto"), None).engine == "litert"


def test_auto_is_litert_where_there_is_no_other(monkeypatch):
    monkeypatch.setattr(errors.importlib.util, "find_spec", lambda name: None)
    assert find_backbone(replace(EMBEDDED, engine="auto"), None).engine == "litert"
    with pytest.raises(FruitsError, match=r"pip install 'fruits-kedro\[openvino\]'"):
        find_backbone(replace(EMBEDDED, engine="openvino"), None)


def test_an_engine_with_other_features_is_not_taken(monkeypatch):
    whole = OpenVinoModel.__call__
    monkeypatch.setattr(OpenVinoModel, "__call__", lambda *args: 1.001 * whole(*args))
    with pytest.raises(FruitsError, match="OpenVINO gives other features .* than litert"):
        find_backbone(replace(EMBEDDED, engine="openvino"), None)
    slow_down(monkeypatch, LiteRTModel)
    assert find_backbone(replace(EMBEDDED, engine="auto"), None).engine == "litert"
