"""Vectors are the rows' own, in the order of the paths."""

import numpy as np
import pytest

from fruits_kedro.curation.file_matrix import FileMatrix


def test_rows_have_length_1_and_the_order_of_their_paths(blobs):
    ordered = blobs({"a": 30, "b": 9})
    shuffled = blobs({"a": 30, "b": 9}, order=np.random.default_rng(1).permutation(39))
    assert list(shuffled.photos["path"]) == sorted(ordered.photos["path"])
    assert np.array_equal(shuffled.matrix, ordered.matrix)
    assert shuffled.photos.equals(ordered.photos)
    assert np.linalg.norm(ordered.matrix, axis=1) == pytest.approx(np.ones(39), abs=1e-6)
    assert np.vstack(list(ordered.batches(10))).shape == (39, 16)


def test_equal_features_have_equal_pixels_and_nothing_has_length_0(blobs):
    rows = np.vstack([np.ones(4), 2 * np.ones(4), np.ones(4), np.zeros(4)])
    vectors = blobs({"a": 4}, rows=rows)
    pixels = vectors.photos["pixels"]
    assert pixels[0] == pixels[2] and pixels.nunique() == 3
    assert vectors.matrix[0] == pytest.approx(vectors.matrix[1])  # the same direction
    assert not vectors.matrix[3].any()


def test_many_photos_lie_in_a_file(blobs):
    memory, disk = blobs({"a": 30}), blobs({"a": 30}, in_memory=29)
    assert isinstance(disk.matrix, FileMatrix) and isinstance(memory.matrix, np.ndarray)
    assert disk.rows(slice(None)) == pytest.approx(memory.matrix, abs=5e-4)
    some = np.array([29, 0, 7, 7])
    assert disk.rows(some) == pytest.approx(memory.matrix[some], abs=5e-4)
    assert np.array_equal(disk.rows(slice(25, 99)), disk.rows(np.arange(25, 30)))
    drawn = memory.sample(5, seed=1)
    assert len(drawn) == 5 and np.array_equal(disk.sample(5, seed=1), drawn)
    assert disk.rows(drawn) == pytest.approx(memory.rows(drawn), abs=5e-4)
    assert len(np.unique(memory.rows(memory.sample(99, seed=1)), axis=0)) == 30
