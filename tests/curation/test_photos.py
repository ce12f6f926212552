"""What a store knows about its photos comes in the order of their paths."""

import numpy as np
import pyarrow as pa
import pytest
from tests.curation.conftest import gray, reader

from fruits_kedro.curation.photos import read_photos
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.thumbnail import SIDE

COLUMNS = {"path": ["b", "a", "c"], "split": ["Training"] * 3, "label": ["x", None, "y"]}
FEATURES = {"features": [[1.0], [2.0], [1.0]], "fingerprint": ["one"] * 3}


def test_thumbnails_follow_their_photos():
    small = [gray(0).tobytes(), None, gray(2).tobytes()]
    more = {"thumbnail": pa.array(small, pa.binary()), "content_hash": ["h", None, "k"]}
    photos = read_photos(reader(pa.table(COLUMNS | FEATURES | more), 2))
    assert list(photos.table["path"]) == ["a", "b", "c"] and photos.fingerprint == "one"
    assert list(photos.table["content_hash"]) == [None, "h", "k"]
    assert photos.known.tolist() == [False, True, True]
    assert np.array_equal(photos.thumbnails[1:], np.concatenate([gray(0), gray(2)]))
    assert photos.table["pixels"][1] == photos.table["pixels"][2] != photos.table["pixels"][0]


def test_a_store_of_an_earlier_version_lacks_them():
    photos = read_photos(reader(pa.table(COLUMNS | FEATURES), 2))
    assert not photos.known.any() and photos.thumbnails.shape == (3, SIDE * SIDE)
    assert photos.table[["content_hash", "sharpness"]].isna().all(axis=None)


def test_features_of_two_backbones_or_of_none_are_refused():
    table = pa.table(COLUMNS | FEATURES | {"fingerprint": ["one", "two", "two"]})
    with pytest.raises(FruitsError, match="several backbones are mixed: one, two"):
        read_photos(reader(table, 10))
    with pytest.raises(FruitsError, match="no photo with features"):
        read_photos(lambda _: [])
