"""Which photos are trained on, in what order, and with what weight."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fruits_kedro.backbones import keras_models
from fruits_kedro.errors import FruitsError, ImageError


def library():
    """Imported at first use: TensorFlow takes 4 s, also where none of these tests is run."""
    keras_models.load_tensorflow()
    from fruits_kedro.pretraining import photos

    return photos


def index(**classes):
    rows = [
        (f"Training/{label}/{i}.jpg", "Training", label)
        for label, n in classes.items()
        for i in range(n)
    ]
    return pd.DataFrame(rows, columns=["path", "split", "label"])


def read_all(paths):
    for path in paths:
        buffer = io.BytesIO()
        red = 0 if "bad" in path else int(path.split("/")[-1].split(".")[0])
        Image.new("RGB", (8, 8), (red, 0, 0)).save(buffer, "PNG")
        yield ImageError("read", "missing", path) if "bad" in path else buffer.getvalue()


def photos(frame, **options):
    return library().LabelledPhotos(
        frame, ["a", "b"], read_all, input_size=8, batch_size=4, **options
    )


def test_validation_takes_its_share_of_each_class_of_training_only():
    frame = index(a=40, b=20, c=5)
    frame.loc[len(frame)] = ("Test/a/1.jpg", "Test", "a")
    validation = library().split_validation(frame, 0.1, 8)
    assert len(validation) == 65
    assert frame.loc[validation.index[validation], "label"].value_counts().to_dict() == {
        "a": 4,
        "b": 2,
    }
    shuffled = library().split_validation(frame.sample(frac=1, random_state=0), 0.1, 8)
    assert set(shuffled.index[shuffled]) == set(validation.index[validation])


def test_photos_of_the_split_validation_are_validated_on():
    frame = index(a=40, b=20)
    frame.loc[len(frame)] = ("Validation/a/1.jpg", "Validation", "a")
    frame.loc[len(frame)] = ("Validation/c/1.jpg", "Validation", "c")  # not in Training
    validation = library().split_validation(frame, 0.1, 8)
    assert len(validation) == 61
    assert frame.loc[validation.index[validation], "path"].tolist() == ["Validation/a/1.jpg"]


@pytest.mark.parametrize("classes", [{}, {"a": 30}])
def test_fewer_than_two_classes(classes):
    with pytest.raises(FruitsError, match="two classes or more; the Training split has"):
        library().split_validation(index(**classes), 0.1, 8)


def test_fewer_photos_than_a_batch():
    with pytest.raises(FruitsError, match="18 photos to train on, fewer than a batch of 32"):
        library().split_validation(index(a=10, b=10), 0.1, 32)


def test_balanced_weights_give_every_class_the_same_sum():
    assert library().class_weights(pd.Series(["a"] * 6 + ["b"] * 2)) == {"a": 8 / 12, "b": 8 / 4}


def test_batches_hold_every_photo_once_in_an_order_of_their_epoch():
    frame = index(a=10, b=10)
    batches = photos(frame, shuffle_seed=1)

    def order(epoch):
        batches.start_epoch(epoch)
        return [pixel for i in range(len(batches)) for pixel in batches[i][0][:, 0, 0, 0].tolist()]

    first = order(0)
    assert sorted(first) == sorted([*range(10), *range(10)])
    assert order(1) != first and order(0) == first
    unshuffled = photos(frame)
    assert [x for i in range(5) for x in unshuffled[i][0][:, 0, 0, 0]] == [*range(10), *range(10)]


def test_a_batch_has_pixels_one_hot_classes_and_weights():
    pixels, classes, weights = photos(index(a=1, b=2), weights={"a": 2.0, "b": 0.5})[0]
    assert pixels.dtype == np.uint8 and pixels.shape == (3, 8, 8, 3)
    assert classes.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert weights.tolist() == [2, 0.5, 0.5]


def test_a_photo_that_cannot_be_read_weighs_nothing_and_is_counted():
    frame = index(a=2, b=1)
    frame.loc[0, "path"] = "Training/a/bad.jpg"
    batches = photos(frame)
    pixels, _, weights = batches[0]
    assert weights.tolist() == [0, 1, 1] and not pixels[0].any()
    assert list(batches.unusable) == ["Training/a/bad.jpg: read: missing: Training/a/bad.jpg"]
