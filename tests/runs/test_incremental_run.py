"""A second run does what is left to do, and ends with what a run from scratch ends with."""

import json
import os
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.s3.results import EXTRACTION, NUMBERS, assert_same, results

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.weights import EMBEDDED
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.commands.sample import write_sample
from fruits_kedro.hooks.progress import ProgressHooks


@pytest.fixture(scope="module")
def before(kedro_run, tmp_path_factory):
    """80 photos, and the store of a run over them."""
    images, store = tmp_path_factory.mktemp("before") / "i", tmp_path_factory.mktemp("store")
    sum(write_sample(images, classes=4, images=20, seed=3, broken=4))
    assert kedro_run(images=images, store=store).exit_code == 0
    return images, store


@pytest.fixture
def copy(before, tmp_path):
    """The same again, for a test to change."""
    for source, name in zip(before, ("images", "store")):
        shutil.copytree(source, tmp_path / name)
    root = tmp_path / "store/02_intermediate/input_root.json"
    root.write_text(json.dumps({"images": str(tmp_path / "images")}))
    return tmp_path / "images", tmp_path / "store"


def plan(store):
    counts = json.loads((store / "04_feature/extraction_plan.json").read_text())
    return {state: n for state, n in counts.items() if n}


def test_new_changed_and_deleted_photos(copy, kedro_run, tmp_path):
    images, store = copy
    photos = sorted(images.rglob("r0*.jpg"))
    for path in photos[:10]:
        (path.parent / f"new {path.name}").write_bytes(path.read_bytes())
    for path, other in zip(photos[20:25], photos[40:45]):
        path.write_bytes(other.read_bytes())
        os.utime(path, (1, 1))
    os.utime(photos[30])  # touched: it may have changed
    for path in photos[50:52]:
        path.unlink()
    assert kedro_run(*NUMBERS, images=images, store=store).exit_code == 0
    assert plan(store) == {"gone": 2, "new": 10, "changed": 6, "failed_before": 4, "done": 72}
    assert kedro_run(*NUMBERS, images=images, store=tmp_path / "scratch").exit_code == 0
    assert_same(results(store), results(tmp_path / "scratch"))
    names = [path.name for path in (store / "04_feature").iterdir()]
    assert "extraction_checkpoint" not in names


def test_what_is_asked_for_is_done_again(copy, kedro_run):
    images, store = copy
    retry = {"extraction.retry_rejected": "false"}
    assert kedro_run(*EXTRACTION, images=images, store=store, **retry).exit_code == 0
    assert plan(store) == {"done": 84}
    before = results(store)
    left = pd.read_parquet(store / "04_feature/extracted_features")  # of an interrupted run
    left["features"] = [None if row is None else [0.0] * len(row) for row in left["features"]]
    (store / "04_feature/extraction_checkpoint").mkdir()
    schema = pq.read_schema(next((store / "04_feature/extracted_features").glob("*.parquet")))
    table = pa.Table.from_pandas(left, schema=schema, preserve_index=False)
    pq.write_table(table, store / "04_feature/extraction_checkpoint/x-0.parquet")
    again = {"extraction.incremental": "false"}
    assert kedro_run(*NUMBERS, images=images, store=store, **again).exit_code == 0
    assert plan(store) == {"new": 84}
    assert_same(results(store), before)


def test_subsets_grow_into_the_whole_and_lose_nothing(copy, kedro_run, tmp_path):
    images, store = copy
    before = results(store)
    mine = {"subset": "mine", "subsets.mine.total": 30, "extraction.max_failure_rate": 1}
    assert kedro_run(*NUMBERS, images=images, store=store, **mine).exit_code == 0
    counts = plan(store)
    assert counts.pop("kept") == 84 - 30 and sum(counts.values()) == 30
    flags = pd.read_parquet(store / "04_feature/extracted_features")["in_subset"]
    assert len(flags) == 84 and flags.sum() == 30
    assert kedro_run(*NUMBERS, images=images, store=tmp_path / "own", **mine).exit_code == 0
    of_subset, own = results(store), results(tmp_path / "own")
    rows = of_subset["features"]
    of_subset["features"] = rows[rows["in_subset"]].reset_index(drop=True)
    assert_same(of_subset, own)
    refused = kedro_run(images=images, store=store, **mine, **{"extraction.input_size": 64})
    assert refused.exit_code == 1 and "54 photos outside the subset" in refused.output
    assert len(pd.read_parquet(store / "04_feature/extracted_features")) == 84
    assert kedro_run(*NUMBERS, images=images, store=store).exit_code == 0
    assert plan(store) == {"failed_before": 4, "done": 80}
    assert_same(results(store), before)


def test_a_part_of_any_kind_loses_nothing(copy, kedro_run):
    images, store = copy
    before = results(store)
    for part in (
        ("--to-outputs", "extraction_plan"),
        ("--to-nodes", "extraction.extract_features"),
        ("--from-nodes", "extraction.merge_features"),
        ("--only-missing-outputs",),
    ):
        again = {"extraction.retry_rejected": "false"}
        if (
            "extraction.merge_features" in part
        ):  # nothing was extracted again, so nothing is left out
            again = {"extraction.incremental": "false"}
        result = kedro_run(*part, images=images, store=store, **again)
        assert result.exit_code == 0, (part, result.output)
        assert "out of date" not in result.output, part
    assert_same(results(store), before)


def test_photos_of_another_folder_replace_nothing_unless_told(copy, kedro_run, tmp_path):
    images, store = copy
    other = tmp_path / "other"
    shutil.copytree(images / "Training" / "Apple 1", other / "Apple 1")
    (tmp_path / "link").symlink_to(images)
    refused = kedro_run(images=other, store=store)
    assert refused.exit_code == 1 and f"not from those in {other}" in refused.output
    assert "--params replace_images=true" in " ".join(refused.output.split())
    part = ("--pipelines", "extraction")
    refused = kedro_run(*part, images=other, store=store, replace_images="true")
    assert refused.exit_code == 1 and f"not from those in {other}" in refused.output
    assert len(pd.read_parquet(store / "04_feature/extracted_features")) == 84
    retry = {"extraction.retry_rejected": "false"}
    assert kedro_run(*EXTRACTION, images=tmp_path / "link", store=store, **retry).exit_code == 0
    assert plan(store) == {"done": 84}
    replaced = kedro_run(*EXTRACTION, images=other, store=store, replace_images="true")
    assert replaced.exit_code == 0 and "84 photos that left the input root" in replaced.output


def test_auto_never_changes_the_weights_of_a_store(copy, kedro_run, monkeypatch):
    images, store = copy
    auto = {"extraction.weights": "auto", "extraction.retry_rejected": "false"}
    monkeypatch.setattr("fruits_kedro.backbones.weights._choose", lambda _: pytest.fail("probed"))
    assert kedro_run(*EXTRACTION, images=images, store=store, **auto).exit_code == 0
    assert plan(store) == {"done": 84}
    monkeypatch.undo()
    (store / "06_models/model.backbone").unlink()
    weights = "fruits_kedro.backbones.weights._choose"
    monkeypatch.setattr(weights, lambda _: str(store.parent / "other.npz"))
    file = WeightsFile.read(EMBEDDED)
    file.weights["Conv1/kernel"][0, 0, 0, 0] += 1
    file.write(store.parent / "other.npz")
    refused = kedro_run(images=images, store=store, **auto)
    assert refused.exit_code == 1 and "extraction.weights=auto found other.npz" in refused.output
    assert len(pd.read_parquet(store / "04_feature/extracted_features")) == 84


def test_another_backbone_takes_all_photos(copy, kedro_run, tmp_path):
    images, store = copy
    size = {"extraction.input_size": 64}
    assert kedro_run(*EXTRACTION, images=images, store=store, **size).exit_code == 0
    assert plan(store) == {"other_backbone": 84}
    prints = pq.read_table(store / "04_feature/extracted_features")["fingerprint"].unique()
    assert len(prints) == 1 and "-64-" in prints[0].as_py()


def test_a_model_of_ones_own_takes_all_photos_and_is_not_left_unsaid(copy, kedro_run, tmp_path):
    images, store = copy
    keras = keras_models.load_keras()
    layers = keras.layers
    network = [layers.Input((96, 96, 3)), layers.Rescaling(1 / 255), layers.Conv2D(16, 5, 4)]
    keras.Sequential([*network, layers.GlobalAveragePooling2D()]).save(tmp_path / "own.keras")
    own = {"extraction.backbone": tmp_path / "own.keras", "extraction.weights": "auto"}
    result = kedro_run(*NUMBERS, images=images, store=store, **own)
    assert result.exit_code == 0, result.output
    assert plan(store) == {"other_backbone": 84}
    features = pd.read_parquet(store / "04_feature/extracted_features")
    assert {len(row) for row in features["features"].dropna()} == {16}
    assert features["fingerprint"].str.startswith("own-96-f32-").all()
    (tmp_path / "own.keras").unlink()
    again = kedro_run(*EXTRACTION, images=images, store=store, **{"extraction.weights": "auto"})
    assert again.exit_code == 0, again.output  # the store has its own
    assert plan(store)["done"] == 80 and "other_backbone" not in plan(store)
    (store / "06_models/model.backbone").unlink()
    refused = kedro_run(images=images, store=store, **{"extraction.weights": "auto"})
    assert refused.exit_code == 1 and "extraction.backbone=own (or its file)" in refused.output


def test_a_run_that_was_interrupted_is_gone_on_with(copy, kedro_run, monkeypatch):
    images, store = copy
    whole = results(store)
    shutil.rmtree(store)
    from fruits_kedro.datasets import ArrowParquetDataset

    with monkeypatch.context() as patch:  # it dies after the extraction, before the merge

        def die(self, data):
            raise KeyboardInterrupt

        patch.setattr(ArrowParquetDataset, "save", die)
        # Its thread would live on in this process.
        patch.setattr(ProgressHooks, "_start", lambda *_: None)
        assert kedro_run(images=images, store=store).exit_code != 0
    left = pd.read_parquet(store / "04_feature/extraction_checkpoint")
    assert len(left) == 84
    one = sorted((store / "04_feature/extraction_checkpoint").glob("*.parquet"))[0]
    lost = len(pd.read_parquet(one))
    one.unlink()  # as if it had died earlier
    assert kedro_run(*NUMBERS, images=images, store=store).exit_code == 0
    assert plan(store)["new"] == lost < 84
    assert_same(results(store), whole)
