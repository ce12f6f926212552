"""A real training, small: interrupted, gone on with, exported, and used to extract."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.config.parameters import PretrainingParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.extract import extract, get_model
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.pretraining import Checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]
PARAMS = PretrainingParams(input_size=32, epochs=2, batch_size=10, validation_share=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """30 photos of two classes, one of them broken."""
    from fruits_kedro.commands.sample import write_sample

    root = tmp_path_factory.mktemp("training") / "fruits"
    list(write_sample(root, classes=2, images=20, seed=0, broken=0))
    next((root / "Training").glob("*/*.jpg")).write_bytes(b"no photo")
    return ImageFolder(str(root))


@pytest.fixture(scope="module")
def index(folder):
    paths = folder.list().column("path").to_pylist()
    rows = [(path, *path.split("/")[:2]) for path in paths]
    return pd.DataFrame(rows, columns=["path", "split", "label"])


class Interrupted(Checkpoint):
    """The power goes after the first epoch is kept."""

    def save(self, model, settings, history):
        super().save(model, settings, history)
        raise KeyboardInterrupt


def train(*arguments):
    keras_models.load_tensorflow()
    from fruits_kedro.pretraining.train import train

    return train(*arguments)


@pytest.fixture(scope="module")
def resumed(index, folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("resumed")
    with pytest.raises(KeyboardInterrupt):
        train(index, folder.read_all, PARAMS, None, Interrupted(place))
    return place, train(index, folder.read_all, PARAMS, None, Checkpoint(place))


def arrays_of(model):
    return {weight.path: np.asarray(weight) for weight in model.weights}


def test_an_interrupted_training_ends_as_one_that_was_not(resumed, index, folder, tmp_path):
    _, trained = resumed
    whole = train(index, folder.read_all, PARAMS, None, Checkpoint(tmp_path))
    assert whole.history["epoch"].tolist() == trained.history["epoch"].tolist() == [1, 2]
    figures = ["loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_array_equal(trained.history[figures], whole.history[figures])
    ours, theirs = arrays_of(trained.backbone), arrays_of(whole.backbone)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    assert whole.outcome["images"] == {"fit": 28, "validation": 2}
    assert whole.outcome["unusable"] == 1


def test_the_weights_changed_and_extract(resumed, folder, index, tmp_path):
    _, trained = resumed
    path = tmp_path / "trained.npz"
    WeightsFile.of(arrays_of(trained.backbone), trained.settings, "float32").write(path)
    backbone = load_backbone(str(path), "litert", None)
    assert backbone.fingerprint.startswith("mobilenetv2-32-f32-")
    usable = [p for p in index["path"] if folder.read(p) != b"no photo"][:4]
    features = np.array(extract(folder.read_all(usable), get_model(backbone), backbone))
    pixels = np.stack([np.asarray(image) for image in _pixels(usable, folder)], dtype=np.float32)
    expected = trained.backbone.predict(pixels / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def _pixels(paths, folder):
    from fruits_kedro.images.decode import decode

    return [decode(folder.read(path)).resize((32, 32)) for path in paths]


def test_fine_tuning_leaves_what_it_is_told_to(random_weights, index, folder, tmp_path):
    how = {"init": str(random_weights), "train_from": "block_16", "batch_norm": False, "epochs": 2}
    params = PretrainingParams(**PARAMS.model_dump() | how)
    trained = train(index, folder.read_all, params, random_weights, Checkpoint(tmp_path))
    untouched = keras_models.build(ARCHITECTURES["mobilenetv2"], random_weights, 32)
    before, after = arrays_of(untouched), arrays_of(trained.backbone)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {
        *(f"block_16_{layer}/kernel" for layer in ("expand", "depthwise", "project")),
        "Conv_1/kernel",
    }


def test_a_layer_that_is_not_there_is_named(random_weights, index, folder, tmp_path):
    params = PARAMS.model_copy(update={"init": "imagenet", "train_from": "block_17"})
    with pytest.raises(FruitsError, match=r"no layer block_17.\nIts layers are input.*, Conv1,"):
        train(index, folder.read_all, params, random_weights, Checkpoint(tmp_path))


@pytest.mark.parametrize("keeps", [{"train_from": "block_7"}, {"batch_norm": False}])
def test_random_weights_are_not_kept(keeps):
    with pytest.raises(ValueError, match="give init=imagenet, embedded or a file"):
        PretrainingParams(**keeps)


def test_a_finished_training_is_not_repeated(resumed, index, folder):
    place, trained = resumed
    again = train(index, folder.read_all, PARAMS, None, Checkpoint(place))
    pd.testing.assert_frame_equal(again.history, trained.history)


def test_a_checkpoint_of_another_training_is_kept_and_refused(resumed, index, folder):
    place, _ = resumed
    before = Checkpoint(place).path.read_bytes()
    other = PARAMS.model_copy(update={"input_size": 64, "seed": 3})
    with pytest.raises(FruitsError, match="of another training: input_size was 32, is 64; seed"):
        train(index, folder.read_all, other, None, Checkpoint(place))
    assert Checkpoint(place).path.read_bytes() == before


def test_the_history_travels_with_the_model(resumed):
    place, trained = resumed
    with zipfile.ZipFile(Checkpoint(place).path) as file:
        notes = json.loads(file.read("training.json"))
    assert notes["history"] == trained.history.to_dict("records")
