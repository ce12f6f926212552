"""Where weights come from, and the project's own file of them."""

import numpy as np
import pytest

from fruits_kedro.backbones import weights
from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.backbones.weights import IMAGENET_FILE, find_weights
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.errors import FruitsError

ARRAYS = {"Conv1/kernel": np.full((2, 3), 1 / 3, np.float32), "bn/gamma": np.float32([1 / 3])}


@pytest.fixture
def no_server(tmp_path, monkeypatch):
    """An empty Keras cache, and a server that refuses connections."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(weights, "IMAGENET_URL", "http://127.0.0.1:9/weights.h5")


def test_auto_takes_imagenet_where_it_is_cached(tmp_path, monkeypatch, no_server):
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / IMAGENET_FILE).write_bytes(b"weights")
    found = find_weights("auto")
    assert (found.source, found.input_size) == ("imagenet", 224)


def test_auto_falls_back_to_embedded_with_one_warning(no_server, caplog):
    found = find_weights("auto")
    assert find_weights("auto") == found
    assert (found.source, found.input_size) == ("embedded", 96)
    assert found.path.stat().st_size <= 5e6
    assert caplog.text.count("Using the EMBEDDED ones") == 1


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_file_of_weights(tmp_path, dtype):
    path = tmp_path / "w.npz"
    WeightsFile.of(ARRAYS, {"input_size": 64}, dtype).write(path)
    read = WeightsFile.read(path)
    assert read.weights["Conv1/kernel"].dtype == dtype
    expected = ARRAYS["Conv1/kernel"].astype(dtype)
    np.testing.assert_array_equal(read.weights["Conv1/kernel"], expected)
    np.testing.assert_array_equal(read.weights["bn/gamma"], ARRAYS["bn/gamma"])
    assert find_weights(str(path)).input_size == 64
    first = path.read_bytes()
    WeightsFile.of(ARRAYS, {"input_size": 64}, dtype).write(path)
    assert path.read_bytes() == first  # and so the same fingerprint


def test_a_file_that_is_none_of_weights(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, x=np.zeros(3))
    with pytest.raises(FruitsError, match="w.npz is not a file of weights"):
        find_weights(str(path))


def test_two_backbones_are_refused():
    check_one_backbone({"a"})
    with pytest.raises(FruitsError, match="mixed: a, b.\n.*give another store"):
        check_one_backbone({"b", "a"})
