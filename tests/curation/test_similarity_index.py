"""The index finds what a comparison with all vectors finds, also after changes in place."""

import json

import numpy as np
import pytest
from kedro_datasets_experimental.vectorstore_base import VectorStoreHandle

from fruits_kedro.curation.index_files import FILES, MANIFEST, IndexFiles
from fruits_kedro.curation.neighbours import build_index
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.datasets import SimilarityIndexDataset
from fruits_kedro.errors import FruitsError


def cells_of(vectors):
    """An index that looks into all cells."""
    cells = build_index(vectors, seed=0)
    cells.nprobe = cells.nlist
    return cells


@pytest.fixture
def vectors(blobs):
    return blobs({"a": 150, "b": 80, None: 20}, spread=0.7)


@pytest.fixture
def index(vectors, tmp_path):
    made = SimilarityIndex(tmp_path / "index")
    made.build(vectors, "one", "first", cells_of(vectors))
    return made


def record(path, vector, **properties):
    return {"id": path, "vector": vector.tolist(), "properties": properties}


def nearest(paths, matrix, query, k):
    cosines = matrix @ (query / np.linalg.norm(query))
    best = np.argsort(-cosines)[:k]
    return [paths[i] for i in best], 1 - cosines[best]


def test_a_search_is_exact_if_it_looks_into_all_cells(vectors, index):
    assert isinstance(index, VectorStoreHandle)
    rng = np.random.default_rng(1)
    for query in [*rng.normal(size=(5, 16)), 3 * vectors.matrix[7]]:
        hits = index.search(vector=query.tolist(), top_k=12)
        ids, distances = nearest(list(vectors.photos["path"]), vectors.matrix, query, 12)
        assert [hit["id"] for hit in hits] == ids
        assert [hit["distance"] for hit in hits] == pytest.approx(distances, abs=1e-3)
    label = vectors.photos.set_index("path")["label"].get(ids[0])
    assert hits[0]["properties"]["label"] == label and hits[0]["properties"]["split"] == "Training"
    assert len(index.search(vector=query.tolist(), top_k=999)) == 250


def test_photos_come_and_go_in_place(vectors, index, tmp_path):
    cells = index.files.manifest["cells"]
    rng = np.random.default_rng(2)
    fresh = rng.normal(size=(3, 16))
    gone = vectors.photos["path"].tolist()[:15]
    added = [record(f"new/{i}.jpg", one, label="c") for i, one in enumerate(fresh)]
    assert index.add(added) == ["new/0.jpg", "new/1.jpg", "new/2.jpg"]
    index.delete(ids=[*gone, "new/1.jpg"])
    index.add([record("new/2.jpg", fresh[1], label="d")])  # takes the other's place
    again = SimilarityIndex(tmp_path / "index")
    assert again.count == 250 + 3 - 15 - 1 and again.files.manifest["cells"] == cells
    matrix = np.vstack(
        [vectors.matrix[15:], fresh[:2] / np.linalg.norm(fresh[:2], axis=1)[:, None]]
    )
    paths = [*vectors.photos["path"][15:], "new/0.jpg", "new/2.jpg"]
    for query in (*fresh, *vectors.matrix[10:20]):
        ids, _ = nearest(paths, matrix, query, 5)
        assert [hit["id"] for hit in again.search(vector=query.tolist(), top_k=5)] == ids
    assert again.search(vector=fresh[1].tolist(), top_k=1)[0]["properties"]["label"] == "d"
    files = {file.name for file in again.files.folder.iterdir()}
    assert files == {MANIFEST, *(again.files.manifest[name] for name in FILES)}
    assert set(again.photos()["path"]) == set(paths) and again.bears(0, 0)
    assert again.bears(1990, 8) and not again.bears(2001, 0) and not again.bears(0, 30)
    again.delete(ids=paths[:30])
    assert not again.bears(0, 0)


def test_what_a_killed_update_wrote_counts_for_nothing(vectors, index, tmp_path, monkeypatch):
    """It dies before the manifest is replaced."""
    monkeypatch.setattr(IndexFiles, "_replace", lambda *_: (_ for _ in ()).throw(OSError))
    with pytest.raises(OSError):
        index.add([record("new.jpg", np.ones(16))])
    monkeypatch.undo()
    again = SimilarityIndex(tmp_path / "index")
    assert again.count == 250 and not again.vectors(["new.jpg"])
    again.add([record("other.jpg", np.ones(16))])
    assert again.search(vector=[1.0] * 16, top_k=1)[0]["id"] == "other.jpg"
    assert again.vectors(["other.jpg"])["other.jpg"] == pytest.approx(0.25 * np.ones(16))


def test_faults_are_told(vectors, index, tmp_path):
    with pytest.raises(FruitsError, match="nowhere.jpg is not in the index"):
        index.delete(ids=["nowhere.jpg"])
    with pytest.raises(FruitsError, match="vectors of 16 numbers"):
        index.add([record("new.jpg", np.ones(3))])
    with pytest.raises(NotImplementedError):
        index.search(text="an apple")
    for damage in ("cells", "vectors", "photos"):
        file = index.files.folder / index.files.manifest[damage]
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        with pytest.raises(FruitsError, match="damaged"):
            SimilarityIndex(tmp_path / "index")
        file.write_bytes(content)
    index.close()
    index.close()


def test_the_dataset_has_a_copy_of_an_index_in_a_bucket(vectors, tmp_path, monkeypatch):
    """fsspec's memory stands for the bucket."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    dataset = SimilarityIndexDataset(filepath="memory://bucket/index")
    assert not dataset.exists() and dataset.load().describe()["count"] == 0
    dataset.load().build(vectors, "one", "first", cells_of(vectors))
    assert dataset.exists()
    dataset.load().add([record("new.jpg", np.ones(16))])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    with dataset.load() as there:
        assert there.search(vector=[1.0] * 16, top_k=1)[0]["id"] == "new.jpg"
        there.clear()
    assert not dataset.exists() and not dataset.load().files.manifest
    assert not list((tmp_path / "another machine").rglob("*.*"))


def test_the_manifest_is_plain(index):
    about = json.loads((index.files.folder / MANIFEST).read_bytes())
    assert about["fingerprint"] == "one" and about["source"] == "first" and about["rows"] == 250
    assert index.describe()["count"] == 250
