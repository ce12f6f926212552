"""Neighbours are scikit-learn's; those of the index nearly all, with their exact cosines."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from fruits_kedro.curation.neighbours import (
    _search,
    build_index,
    exact_search,
    find_neighbours,
    recall_of,
)


def reference(matrix, k):
    distances, found = NearestNeighbors(n_neighbors=k + 1, metric="cosine").fit(matrix).kneighbors()
    return found[:, :k], 1 - distances[:, :k]


def find(vectors, k=10, exact_images=10**6, recall=0.995):
    return find_neighbours(vectors, k, exact_images, recall, seed=0)


def test_every_pair_is_compared(blobs):
    vectors = blobs({"a": 200, "b": 150, "c": 50}, spread=0.5)
    found = find(vectors)
    indices, cosines = reference(vectors.matrix, 10)
    assert found.method == "exact" and found.recall == 1
    assert found.cosines == pytest.approx(cosines, abs=1e-5)
    assert (found.indices == indices).mean() > 0.999  # but for ties


def test_an_index_finds_them_too(blobs):
    vectors = blobs({str(i): 60 for i in range(40)}, d=64, spread=0.5, in_memory=0)
    found = find(vectors, exact_images=0)
    matrix = vectors.rows(slice(None))
    indices, _ = reference(matrix, 10)
    assert found.method == "ivf" and found.sampled == 500
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(found.indices, indices)]
    assert np.mean(shared) >= 0.99 and found.recall >= 0.995
    of_found = np.einsum("nd,nkd->nk", matrix, matrix[found.indices], dtype=float)
    assert found.cosines == pytest.approx(of_found, abs=1e-5)
    assert (np.diff(found.cosines, axis=1) <= 0).all()
    again = find(vectors, exact_images=0)
    assert np.array_equal(found.indices, again.indices)


def test_more_recall_takes_more_cells(blobs):
    vectors = blobs({"a": 2000}, d=64, spread=1.0)
    few, many = (find(vectors, exact_images=0, recall=recall) for recall in (0.1, 1.0))
    assert few.probes < many.probes and few.recall < many.recall == 1


def test_small_cells_leave_no_photo_without_neighbours(blobs):
    vectors = blobs({str(i): 3 for i in range(40)}, spread=0.01)
    index = build_index(vectors, seed=0)
    index.nprobe = 1
    found, cosines = _search(index, vectors, 10)
    assert (found >= 0).all() and (cosines > -1).all()
    assert all(len(set(row)) == 10 for row in found)


@pytest.mark.parametrize("exact_images", [0, 10**6])
def test_photos_that_are_all_alike_are_no_neighbours_of_themselves(blobs, exact_images):
    vectors = blobs({"a": 30}, rows=np.ones((30, 8)))
    found = find(vectors, k=5, exact_images=exact_images)
    assert found.cosines == pytest.approx(np.ones((30, 5)), abs=1e-6)
    assert (found.indices != np.arange(30)[:, None]).all()
    assert all(len(set(row)) == 5 for row in found.indices)


@pytest.mark.parametrize(("photos", "k"), [(1, 0), (2, 1), (4, 3)])
def test_few_photos_have_few_neighbours(blobs, photos, k):
    vectors = blobs({"a": photos})
    for exact_images in (0, 100):
        found = find(vectors, k=10, exact_images=exact_images)
        assert found.indices.shape == found.cosines.shape == (photos, k)
        assert sorted(map(tuple, np.sort(found.indices))) == sorted(
            tuple(sorted(set(range(photos)) - {i})) for i in range(photos)
        )


def test_some_are_compared_with_all(blobs, monkeypatch):
    vectors = blobs({"a": 200, "b": 90}, spread=0.5)
    slices = [slice(0, 80), slice(80, 99), slice(99, 290)]
    monkeypatch.setattr(type(vectors), "slices", lambda _: iter(slices))
    which = np.array([3, 85, 250])
    found = exact_search(vectors, which, 7)
    indices, cosines = reference(vectors.matrix, 7)
    assert (found[0] == indices[which]).all()
    assert found[1] == pytest.approx(cosines[which], abs=1e-5)
    worse = indices.copy(), cosines.copy()
    assert recall_of(vectors, worse, seed=0) == (1.0, 290)
    worse[1][:29] = 0
    assert recall_of(vectors, worse, seed=0) == (pytest.approx(0.9), 290)
