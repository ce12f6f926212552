"""The map keeps neighbours, and a sample of many photos is balanced."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from fruits_kedro.curation import photo_map
from fruits_kedro.curation.photo_map import (
    balanced_sample,
    find_examples,
    map_table,
    ordered_by_path,
    place_photos,
    read_rows,
    version_of,
)


def clusters(n=900, labels=9, spread=1.0):
    rng = np.random.default_rng(0)
    codes = np.arange(n) % labels
    centres = rng.normal(size=(labels, 20)) * 6
    return (centres[codes] + spread * rng.normal(size=(n, 20))).astype(np.float32), codes


def kept(placed, scores):
    """The share of the 10 nearest photos that are among the 10 nearest on the map."""
    near = NearestNeighbors(n_neighbors=10).fit(scores).kneighbors()[1]
    on_map = NearestNeighbors(n_neighbors=10).fit(placed.positions).kneighbors()[1]
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, on_map)])


def test_the_map_keeps_neighbours_and_groups():
    scores, codes = clusters()
    placed = place_photos(scores, seed=0)
    with threadpool_limits(1):
        reference = TSNE(random_state=0).fit_transform(scores)  # three times as many steps
    assert kept(placed, scores) > 0.9 * kept(placed._replace(positions=reference), scores)
    nearest = NearestNeighbors(n_neighbors=5).fit(placed.positions).kneighbors()[1]
    assert (codes[nearest] == codes[:, None]).mean() > 0.99
    exact = NearestNeighbors(n_neighbors=10).fit(scores.astype(float)).kneighbors()
    np.testing.assert_allclose(placed.distances, exact[0], rtol=1e-4)
    assert (placed.neighbours == exact[1]).mean() > 0.999
    again = place_photos(scores, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(placed, again))


def test_photos_beyond_lie_between_their_neighbours(monkeypatch):
    monkeypatch.setattr(photo_map, "TSNE_PHOTOS", 600)
    scores, codes = clusters()
    placed = place_photos(scores, seed=0)
    assert placed.positions.shape == (900, 2) and placed.neighbours[600:].max() < 600
    base = placed.positions[:600]
    for i in range(600, 900):
        near = base[placed.neighbours[i]]
        assert (near.min(axis=0) <= placed.positions[i] + 1e-4).all()
        assert (near.max(axis=0) >= placed.positions[i] - 1e-4).all()
    assert (codes[placed.neighbours[600:]] == codes[600:, None]).mean() > 0.99


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_photos_have_places(n):
    scores = np.arange(n, dtype=np.float32)[:, None] * [[1.0]]
    placed = place_photos(scores.astype(np.float32), seed=0)
    assert placed.positions.shape == (n, 2) and np.isfinite(placed.positions).all()
    assert placed.neighbours.shape == (n, n - 1)


def test_photos_that_are_all_alike_have_places():
    assert np.isfinite(place_photos(np.ones((50, 3), np.float32), seed=0).positions).all()


def test_a_sample_has_as_many_of_each_label_as_there_are():
    labels = pd.Series(["a"] * 1000 + ["b"] * 30 + ["c"] * 3 + [None] * 500)
    paths = pd.Series([f"{i}.jpg" for i in range(len(labels))])
    rows = balanced_sample(paths, labels, 150)
    found = labels.fillna("").iloc[rows].value_counts()
    assert found["c"] == 3 and found["b"] == 30 and abs(found["a"] - found[""]) <= 1
    assert len(set(rows)) == 150
    order = np.random.default_rng(0).permutation(len(labels))
    other = balanced_sample(
        paths.iloc[order].reset_index(drop=True), labels.iloc[order].reset_index(drop=True), 150
    )
    assert set(paths.iloc[order].to_numpy()[other]) == set(paths.iloc[rows])


def test_the_photos_of_t_sne_come_first(monkeypatch):
    monkeypatch.setattr(photo_map, "TSNE_PHOTOS", 2)
    paths = pd.Series(["d", "c", "b", "a"])
    assert ordered_by_path(paths, np.array([0, 2, 1, 3])).tolist() == [2, 0, 3, 1]


def test_rows_are_read_in_any_order_from_any_files():
    vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    lists = pa.array(vectors.tolist(), pa.list_(pa.float32()))
    batches = [
        pa.RecordBatch.from_arrays([lists.slice(start, n)], ["v"])
        for start, n in ((0, 7), (7, 1), (8, 12))
    ]
    rows = np.array([19, 0, 7, 3])
    assert np.array_equal(read_rows(lambda _: batches, "v", rows), vectors[rows])


def test_examples_are_typical_odd_and_extreme():
    scores = np.array([[0, 0], [1, 0], [2, 0], [9, 0], [5, 5]], np.float32)
    paths, labels = pd.Series(list("abcde")), pd.Series(["x", "x", "x", "x", None])
    found = find_examples(scores, paths, labels, each=2, components=1)
    assert found.typical == {"x": ["c", "b"]} and found.odd == {"x": ["d", "a"]}
    assert found.ends == [(["a", "b"], ["d", "e"])]


def test_a_map_of_the_same_has_the_same_version():
    scores, _ = clusters(20)
    photos = pd.DataFrame({"path": [f"{i}" for i in range(20)], "split": "Test", "label": "x"})
    same = version_of(scores, photos, {"0": b"a"}, 0)
    assert version_of(scores.copy(), photos.copy(), {"0": b"a"}, 0) == same
    others = [
        version_of(scores + 1, photos, {"0": b"a"}, 0),
        version_of(scores, photos.assign(label="y"), {"0": b"a"}, 0),
        version_of(scores, photos, {"0": b"b"}, 0),
        version_of(scores, photos, {"0": b"a"}, 1),
    ]
    assert len({same, *others}) == 5


def test_the_table_has_the_columns_of_embedding_atlas():
    scores, _ = clusters(20)
    photos = pd.DataFrame({"path": [f"{i}.jpg" for i in range(20)], "split": "Test", "label": None})
    placed = place_photos(scores, 0)
    row = map_table(photos, placed, {"3.jpg": b"jpeg"}).slice(3, 1).to_pylist()[0]
    assert row["image"] == {"bytes": b"jpeg", "path": "3.jpg"} and row["label"] is None
    assert row["neighbors"]["ids"] == placed.neighbours[3].tolist()
    assert row["neighbors"]["distances"] == placed.distances[3].tolist()
    assert (row["x"], row["y"]) == tuple(placed.positions[3].tolist())
