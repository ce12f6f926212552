"""Outputs of a run take their places together, or not at all."""

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from fruits_kedro.datasets import CachedDataset, JsonDataset
from fruits_kedro.errors import FailureRateError, FruitsError
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.hooks.outputs import OutputHooks


class Store:
    """A store of small files, and runs that save 'photos', then 'features', then a list."""

    names = ("photos", "features", "rejected_images_csv", "lineage")

    def __init__(self, folder):
        self.folder = folder

    def start(self):
        place = {name: str(self.folder / f"{name}.json") for name in self.names}
        stored = {name: JsonDataset(filepath=path) for name, path in place.items()}
        stored["features"] = CachedDataset(dataset=stored["features"])
        self.catalog = DataCatalog({**stored, "plan": MemoryDataset()})
        self.pipeline = Pipeline(
            [
                Node(lambda: 1, None, "photos", name="index"),
                Node(lambda x: x, "photos", "plan", name="plan"),
                Node(lambda x: x, "plan", "features", name="extract"),
                Node(lambda x: x, "features", "rejected_images_csv", name="list"),
            ]
        )
        self.lineage = LineageHooks()
        self.outputs = OutputHooks(self.lineage)
        self.lineage.before_pipeline_run(self.catalog)
        self.outputs.before_pipeline_run(self.pipeline, self.catalog)

    def save(self, value):
        for node in self.pipeline.nodes:
            (name,) = node.outputs
            self.lineage.before_dataset_saved(name, value, node)
            self.catalog.save(name, value)
            assert self.catalog.load(name) == value  # a later node loads what was saved

    def run(self, value, error=None):
        self.start()
        self.save(value)
        if error is None:
            self.outputs.after_pipeline_run()
        else:
            self.outputs.on_pipeline_error(error)

    def values(self):
        files = (path for path in self.folder.iterdir() if path.stem != "lineage")
        return {path.stem: int(path.read_text()) for path in files}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_run_that_fails_changes_no_output(store):
    store.run(1)
    assert store.values() == {"photos": 1, "features": 1, "rejected_images_csv": 1}
    before = store.catalog.load("lineage")
    store.run(2, FruitsError("no room"))
    assert store.values() == {"photos": 1, "features": 1, "rejected_images_csv": 1}
    assert store.outputs.unchanged and store.lineage.stale() == []
    assert store.catalog.load("lineage") == before
    store.run(3)
    assert store.values() == {"photos": 3, "features": 3, "rejected_images_csv": 3}
    assert not store.outputs.unchanged


def test_too_many_rejected_photos_change_their_list_alone(store):
    store.run(1)
    store.run(2, FailureRateError("too many", output="rejected_images_csv"))
    assert store.outputs.named == "rejected_images_csv"
    assert store.values() == {"photos": 1, "features": 1, "rejected_images_csv": 2}
    assert store.lineage.stale() == []


def test_a_first_run_that_fails_leaves_what_it_made(store):
    store.run(1, FruitsError("no room"))
    assert store.values() == {"photos": 1, "features": 1, "rejected_images_csv": 1}
    assert not store.outputs.unchanged and store.lineage.stale() == []


def test_a_run_that_dies_changes_nothing_before_its_end(store):
    store.run(1)
    store.start()
    store.save(2)
    left = {path.name for path in store.folder.iterdir() if path.name.endswith(".new")}
    assert len(left) == 3
    assert {p.name: int(p.read_text()) for p in store.folder.glob("[pfr]*")} == {
        "photos.json": 1,
        "features.json": 1,
        "rejected_images_csv.json": 1,
    }


def test_a_run_that_dies_while_it_replaces_leaves_a_doubt(store, monkeypatch):
    store.run(1)
    monkeypatch.setattr(JsonDataset, "publish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.run(2)
    monkeypatch.undo()
    store.start()
    assert store.lineage.stale() == ["features", "photos", "rejected_images_csv"]
    store.run(2)
    assert store.lineage.stale() == []


def test_a_run_that_has_lost_its_lock_changes_nothing(store, monkeypatch):
    def lost():
        raise FruitsError("The lock was lost.")

    store.run(1)
    before = store.catalog.load("lineage")
    monkeypatch.setattr("fruits_kedro.hooks.outputs.check_locks", lost)
    with pytest.raises(FruitsError, match="lost"):
        store.run(2)
    assert store.catalog.load("lineage") == before
    assert int((store.folder / "features.json").read_text()) == 1
