"""The pipeline from stored features to neighbours, duplicates, leaks, outliers and clusters."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.notebooks import executed_here, figures

from fruits_kedro.commands.sample import write_sample
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.datasets import ParquetDataset
from fruits_kedro.images.decode import decode, resize

CURATE = ("--pipelines", "__default__,curation")


def table(store, name):
    return pq.read_table(store / name).to_pandas()


def listed(store, name):
    return pd.read_csv(store / f"08_reporting/{name}.csv")


def info(store):
    return json.loads((store / "08_reporting/curation_info.json").read_text())


@pytest.fixture(scope="module")
def curated(kedro_run, tmp_path_factory):
    """Photos of 4 varieties, three of them twice, a dark one and a broken one."""
    root = tmp_path_factory.mktemp("curated")
    images, store = root / "photos", root / "store"
    sum(write_sample(images, classes=4, images=8, seed=0, broken=0))
    (images / "Training" / "broken.jpg").write_bytes(b"x")
    labels = sorted(path.name for path in (images / "Test").iterdir())[:2]
    first, second, third, fourth = sorted((images / "Training" / labels[0]).glob("*.jpg"))[:4]
    shutil.copy(first, images / "Test" / labels[0] / "leak.jpg")
    shutil.copy(second, images / "Training" / labels[1] / "other label.jpg")
    third.with_name("again.jpg").write_bytes(third.read_bytes() + b"more bytes, the same pixels")
    dark = Image.open(fourth).point(lambda value: value // 8)
    dark.save(fourth.with_name("dark.jpg"))
    more = {"extraction.max_failure_rate": 0.5, "curation.index_images": 0}
    result = kedro_run(*CURATE, images=images, store=store, **more)
    assert result.exit_code == 0, result.output
    return images, store, result.output, (first, second, third)


def test_each_photo_has_its_nearest(curated):
    _, store, _, _ = curated
    features = table(store, "04_feature/extracted_features")
    features = features[features["error"].isna()].set_index("path")
    rows = np.stack(features["features"])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = pd.DataFrame(rows @ rows.T, features.index, features.index)
    found = table(store, "07_model_output/neighbours")
    assert list(found) == ["path", "rank", "neighbour", "cosine", "pixels"]
    assert set(found["path"]) == set(features.index)
    for path, of_path in found.groupby("path"):
        others = cosines[path].drop(path).sort_values(ascending=False)
        assert list(of_path["rank"]) == list(range(1, 11)) and path not in set(of_path["neighbour"])
        assert of_path["cosine"].to_numpy() == pytest.approx(others.to_numpy()[:10], abs=1e-5)
        assert of_path["cosine"].to_numpy() == pytest.approx(
            others[of_path["neighbour"]].to_numpy(), abs=1e-5
        )
    assert info(store)["neighbours"] == {
        **{"k": 10, "method": "exact", "recall": 1.0, "sampled": 0, "probes": 0}
    }


def test_spark_reads_all_tables(curated, spark):
    _, store, _, _ = curated
    photos = info(store)["photos"]
    counts = {"clusters": photos, "image_quality": photos, "selection": photos}
    for name, count in (counts | {"neighbours": 10 * photos}).items():
        rows = ParquetDataset(filepath=str(store / f"07_model_output/{name}")).load()
        assert len(rows.toPandas()) == count


def test_copies_are_found_and_one_is_a_leak(curated):
    images, store, output, originals = curated
    first, second, third = (str(path.relative_to(images)) for path in originals)
    every = listed(store, "duplicates")
    found = every[every["kind"] != "near"]
    groups = found.groupby("group")["path"].agg(list).tolist()
    copies = [("Test", first, "leak"), ("Training", second, "other label"), ("", third, "again")]
    assert len(groups) == 3 and all(len(group) == 2 for group in groups)
    for _, original, name in copies:
        (group,) = [one for one in groups if original in one]
        assert any(name in path for path in group)
        kinds = set(found.loc[found["path"].isin(group), "kind"])
        assert kinds == {"pixels" if name == "again" else "bytes"}
    counts = info(store)["duplicates"]
    near = every.loc[every["kind"] == "near", "group"].nunique()  # drawn by chance
    assert counts["groups"] == 3 + near and counts["near"] == near
    assert counts["across_labels"] == counts["across_splits"] == 1
    leaks = listed(store, "leaks")
    assert list(leaks["path"]) == [first] and leaks["other_path"][0].endswith("/leak.jpg")
    assert info(store)["leaks"] == 1
    assert f"{len(every)} photos in {3 + near} groups" in " ".join(output.split())


def test_every_usable_photo_is_in_a_cluster(curated):
    _, store, _, _ = curated
    members, summary = table(store, "07_model_output/clusters"), listed(store, "cluster_summary")
    usable = table(store, "04_feature/extracted_features")["error"].isna().sum()
    assert len(members) == summary["photos"].sum() == usable == info(store)["photos"]
    assert set(members["cluster"]) == set(summary["cluster"]) and len(summary) <= 4
    assert set(summary["typical"]) <= set(members["path"])


def test_a_dark_photo_is_flagged(curated):
    images, store, output, _ = curated
    quality = table(store, "07_model_output/image_quality")
    assert len(quality) == info(store)["photos"] and (quality["width"] == 100).all()
    dark = quality[quality["path"].str.endswith("/dark.jpg")].iloc[0]
    (path,) = images.rglob("dark.jpg")
    seen = resize(decode(path.read_bytes()), 96)  # by the backbone, of 100 x 100 pixels
    assert dark["brightness"] == pytest.approx(
        np.asarray(Image.fromarray(seen).convert("L"), float).mean() / 255, abs=1e-6
    )
    assert "dark" in dark["flags"].split(", ")
    issues = listed(store, "quality_issues")
    assert set(issues["path"]) == set(quality.loc[quality["flags"] != "", "path"])
    counts = info(store)["quality_issues"]
    assert counts["dark"] == issues["flags"].str.contains("dark").sum() >= 1
    assert "dark" in output


def test_a_store_of_an_earlier_version_has_no_quality(curated, kedro_run, tmp_path, caplog):
    store = shutil.copytree(curated[1], tmp_path / "store")
    for file in (store / "04_feature/extracted_features").glob("*.parquet"):
        rows = pq.read_table(file)
        pq.write_table(rows.drop_columns(["content_hash", "quality", "thumbnail", "picture"]), file)
    result = kedro_run("--pipelines", "curation", images=curated[0], store=store)
    assert result.exit_code == 0, result.output
    assert table(store, "07_model_output/image_quality").empty
    assert "their quality is not known" in caplog.text
    assert set(listed(store, "duplicates")["kind"]) == {"pixels"}
    assert info(store)["neighbours"]["method"] == "incremental"  # those photos have not changed
    before, after = (table(one, "07_model_output/neighbours") for one in (curated[1], store))
    assert after.equals(before)
    more = {"extraction.max_failure_rate": 0.5}
    result = kedro_run("--pipelines", "extraction", images=curated[0], store=store, **more)
    assert result.exit_code == 0, result.output
    kept = table(store, "04_feature/extracted_features")
    assert kept["quality"].isna().all() and kept["features"].notna().sum() == info(store)["photos"]


def test_an_index_and_photos_that_are_gone(curated, kedro_run, tmp_path):
    images = shutil.copytree(curated[0], tmp_path / "photos")
    store = shutil.copytree(curated[1], tmp_path / "store")
    before = table(store, "07_model_output/neighbours")
    groups = info(store)["duplicates"]["groups"]
    (gone,) = images.glob("*/*/leak.jpg")
    gone.unlink()
    more = {"curation.exact_images": 0, "curation.clusters": 3, "replace_images": "true"}
    more |= {"extraction.max_failure_rate": 0.5, "curation.index_images": 0}
    result = kedro_run(*CURATE, images=images, store=store, **more)
    assert result.exit_code == 0, result.output
    assert info(store)["neighbours"]["method"] == "ivf" and listed(store, "leaks").empty
    assert (
        info(store)["duplicates"]["groups"] == groups - 1
        and len(listed(store, "cluster_summary")) == 3
    )
    found = table(store, "07_model_output/neighbours")
    name = str(gone.relative_to(images))
    index = json.loads((store / "08_reporting/similarity_index_info.json").read_text())
    assert (index["added"], index["deleted"]) == (0, 1) and index["count"] == info(store)["photos"]
    assert not SimilarityIndex(store / "06_models/similarity_index").vectors([name])
    assert name in set(before["path"]) and len(found) == len(before) - 10
    assert name not in {*found["path"], *found["neighbour"]}


def test_the_notebook_shows_it(project, curated, monkeypatch):
    images, store, _, _ = curated
    shown = executed_here("03_curation", project, images, store, monkeypatch)
    assert len(figures(shown)) >= 4
    text = "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in shown)
    assert "leak" in text and "duplicate" in text


def test_a_run_over_the_selection_takes_no_other_photo(curated, kedro_run, tmp_path):
    images, store, _, (first, _, third) = curated
    selection = table(store, "07_model_output/selection").set_index("path")
    assert selection["reasons"][str(first.relative_to(images))] == "leak"
    again = str(third.with_name("again.jpg").relative_to(images))
    assert selection["duplicate_of"][str(third.relative_to(images))] == again
    assert info(store)["selection"]["selected"] == selection["selected"].sum()
    store = shutil.copytree(store, tmp_path / "store")
    steps = ("--pipelines", "ingestion,extraction")
    more = {"subset": "selection", "extraction.max_failure_rate": 0.5}
    result = kedro_run(*steps, images=images, store=store, **more)
    assert result.exit_code == 0, result.output
    index = table(store, "02_intermediate/image_index")
    assert set(index.loc[index["in_subset"], "path"]) == set(selection.index[selection["selected"]])


def test_a_subset_needs_its_selection(kedro_run, tmp_path):
    images = tmp_path / "photos"
    sum(write_sample(images, classes=1, images=1, seed=0, broken=0))
    steps = ("--pipelines", "ingestion")
    result = kedro_run(*steps, images=images, store=tmp_path / "store", subset="selection")
    assert result.exit_code == 1 and "The store has no selection" in result.output


def test_one_photo_has_no_neighbour(kedro_run, tmp_path):
    images, store = tmp_path / "photos", tmp_path / "store"
    sum(write_sample(images, classes=1, images=1, seed=0, broken=0))
    steps = ("--pipelines", "ingestion,extraction,curation")  # no PCA, and so no report
    steps += ("--namespaces", "ingestion,extraction,duplicates,curation")
    result = kedro_run(*steps, images=images, store=store)
    assert result.exit_code == 0, result.output
    assert table(store, "07_model_output/neighbours").empty and info(store)["photos"] == 1
    assert listed(store, "outliers").empty and len(listed(store, "cluster_summary")) == 1


def test_without_features_a_word_says_what_to_run(kedro_run, tmp_path):
    result = kedro_run("--pipelines", "curation", images=tmp_path, store=tmp_path)
    assert result.exit_code == 1 and "'kedro run' makes" in result.output
