"""A checkpoint is replaced whole or not at all."""

import resource

import pytest

from fruits_kedro.backbones import keras_models
from fruits_kedro.errors import FruitsError
from fruits_kedro.pretraining import Checkpoint


@pytest.fixture(scope="module")
def model():
    keras = keras_models.load_keras()
    return keras.Sequential([keras.Input((300,)), keras.layers.Dense(1000)])


def test_no_room_leaves_the_last_one_intact(model, tmp_path):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(model, {"seed": 0}, [{"epoch": 1}])
    before = checkpoint.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the disk takes no more
    try:
        with pytest.raises(FruitsError, match="cannot be written.*\n.*Make room and run again"):
            checkpoint.save(model, {"seed": 0}, [{"epoch": 1}, {"epoch": 2}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert checkpoint.path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.keras"]
    _, history = checkpoint.load({"seed": 0})
    assert history == [{"epoch": 1}]


def test_nothing_there_is_nothing_to_go_on_from(tmp_path):
    assert Checkpoint(tmp_path / "new").load({}) is None


def test_a_damaged_file(tmp_path):
    (tmp_path / "checkpoint.keras").write_bytes(b"half a file")
    with pytest.raises(FruitsError, match="cannot be read.*\n.*to train from the start"):
        Checkpoint(tmp_path).load({})
