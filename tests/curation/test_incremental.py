"""What is carried over and what has changed give the neighbours of a search of its own."""

import numpy as np
import pyarrow as pa
import pytest

from fruits_kedro.curation import incremental
from fruits_kedro.curation.incremental import update
from fruits_kedro.curation.neighbours import find_neighbours
from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.features.rows import normalised


def search(vectors, k=5):
    return find_neighbours(vectors, k, 10**6, 1, 0)


def table_of(vectors, k=5):
    found, photos = search(vectors, k), vectors.photos
    columns = {
        "path": photos["path"].repeat(k),
        "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), len(photos)),
        "neighbour": photos["path"].to_numpy()[found.indices.ravel()],
        "cosine": found.cosines.ravel(),
        "pixels": photos["pixels"].repeat(k),
    }
    return pa.table({name: np.asarray(column) for name, column in columns.items()})


def read(table):
    return lambda columns: table.select(
        [name for name in columns if name in table.column_names]
    ).to_batches(max_chunksize=7)


@pytest.fixture
def before(blobs):
    return blobs({"a": 80, "b": 60}, spread=0.6)


def changed(before):
    """Four photos are gone, two are others now, three are new."""
    rng = np.random.default_rng(3)
    photos, matrix = before.photos.copy(), before.matrix.copy()
    for row in (10, 90):
        matrix[row], photos.loc[row, "pixels"] = matrix[row] + 0.2 * rng.normal(size=16), row
    new = photos.iloc[:3].assign(path=["A.jpg", "Training/a/x.jpg", "Z.jpg"], pixels=[1, 2, 3])
    kept = np.setdiff1d(np.arange(len(photos)), [0, 7, 81, 139])
    photos = np.concatenate([photos.iloc[kept], new])
    table = before.photos.iloc[:0].copy()
    for i, name in enumerate(table.columns):
        table[name] = photos[:, i]
    rows = np.vstack([matrix[kept], matrix[20:23] + 0.1 * rng.normal(size=(3, 16))])
    order = np.argsort(table["path"].to_numpy())
    table = table.iloc[order].reset_index(drop=True).astype({"pixels": np.int64})
    return Vectors(table, normalised(np.float32(rows[order])))


def test_the_neighbours_are_those_of_a_whole_search(before, monkeypatch):
    now, table, expected = changed(before), table_of(before), search(changed(before))
    was = now.photos["path"].map(before.photos.set_index("path")["pixels"])
    fresh = np.flatnonzero(was != now.photos["pixels"])
    compared, rows = [], Vectors.rows
    monkeypatch.setattr(Vectors, "rows", lambda s, which: compared.append(which) or rows(s, which))
    found = update(now, read(table), 5)
    assert len(fresh) == 5 and any(np.array_equal(which, fresh) for which in compared)
    assert np.array_equal(found[0], expected.indices)
    assert found[1] == pytest.approx(expected.cosines, abs=1e-6)


def test_where_nothing_has_changed_nothing_is_compared(before, monkeypatch):
    table = table_of(before)
    monkeypatch.setattr(Vectors, "slices", None)
    assert np.array_equal(update(before, read(table), 4)[0], search(before, 4).indices)


def test_much_change_more_neighbours_or_an_older_table_ask_for_a_whole_search(before, monkeypatch):
    table = table_of(before)
    assert update(before, read(table), 6) is None
    assert update(before, read(table.drop_columns("pixels")), 5) is None
    monkeypatch.setattr(incremental, "_MOST", 4)
    now = changed(before)
    assert update(now, read(table), 5) is None
