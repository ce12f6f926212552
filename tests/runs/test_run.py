"""One whole run over photos of which a third are broken, and a second one over it."""

import base64
import gzip
import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from sklearn.decomposition import PCA

from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.commands.sample import BROKEN_KINDS
from fruits_kedro.hooks.stage_clock import STAGES
from fruits_kedro.images.decode import decode, resize


@pytest.fixture(scope="module")
def store(finished):
    return finished[0]


def read(store, name):
    return pq.read_table(store / name)


def test_every_photo_has_one_row(store, sample):
    names = sorted(p.relative_to(sample).as_posix() for p in sample.rglob("*.jpg"))
    extracted = read(store, "04_feature/extracted_features").to_pylist()
    assert sorted(row["path"] for row in extracted) == names and len(names) == 90
    assert all((row["features"] is None) != (row["error"] is None) for row in extracted)
    rejected = read(store, "08_reporting/rejected_images").to_pydict()
    assert sorted(rejected["path"]) == [name for name in names if "broken_" in name]


def test_each_kind_of_broken_file_has_its_reason(store):
    reasons = {
        "empty": "empty",
        "truncated": "truncated",
        "float_tiff": "unsupported_mode",
        "bomb": "too_many_pixels",
    }
    rejected = read(store, "08_reporting/rejected_images").to_pandas()
    assert (rejected["stage"] == "decode").all()
    for kind in BROKEN_KINDS:
        found = rejected.loc[rejected["path"].str.contains(f"_{kind}.jpg"), "reason"]
        assert found.tolist() == [reasons.get(kind, "not_an_image")] * 3
    csv = pd.read_csv(store / "08_reporting/rejected_images.csv")
    assert csv.fillna("").to_dict("records") == rejected.fillna("").to_dict("records")


def test_features_equal_those_of_one_process(store, sample):
    model = load_backbone("embedded", "litert", 96).load_model()
    table = read(store, "04_feature/extracted_features")
    assert str(table.schema.field("features").type) == "list<element: float>"
    usable = [row for row in table.to_pylist() if row["error"] is None]
    assert len(usable) == 60
    for row in usable[::7]:
        pixels = resize(decode((sample / row["path"]).read_bytes()), 96)
        assert row["features"] == model(pixels[None])[0].tolist()
        split, label, _ = row["path"].split("/")
        assert (row["split"], row["label"]) == (split, label)


@pytest.fixture(scope="module")
def reference(store):
    """Scikit-learn's PCA of the Training rows, and the scores of all rows by their path."""
    table = read(store, "04_feature/extracted_features").to_pandas().dropna(subset="features")
    matrix = np.stack(table["features"]).astype(np.float64)
    pca = PCA(5, svd_solver="full").fit(matrix[table["split"] == "Training"])
    return pca, dict(zip(table["path"], pca.transform(matrix)))


def test_pca_is_fitted_on_training_and_applied_to_all(store, reference):
    pca, expected = reference
    variance = pd.read_csv(store / "08_reporting/explained_variance.csv")
    assert variance["component"].tolist() == [1, 2, 3, 4, 5]
    ratio = pca.explained_variance_ratio_
    np.testing.assert_allclose(variance["variance_explained"], ratio, rtol=0, atol=1e-9)
    np.testing.assert_allclose(variance["cumulative_variance"], ratio.cumsum(), atol=1e-9)
    rows = read(store, "05_model_input/pca_features").to_pylist()
    assert len(rows) == 60
    for row in rows:
        ours, theirs = np.abs(row["pca_features"]), np.abs(expected[row["path"]])
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_matrix_is_one_csv_with_a_column_a_component(store, reference):
    matrix = pd.read_csv(store / "05_model_input/pca_matrix.csv")
    columns = ["path", "split", "label", *(f"pc_{i:03d}" for i in range(1, 6))]
    assert matrix.columns.tolist() == columns
    assert matrix["path"].is_monotonic_increasing and len(matrix) == 60
    scores = {
        row["path"]: row["pca_features"]
        for row in read(store, "05_model_input/pca_features").to_pylist()
    }
    for row in matrix.itertuples():
        np.testing.assert_allclose(row[4:], scores[row.path], rtol=1e-6)


def test_the_stored_model_gives_the_stored_scores(store, spark):
    model = PipelineModel.load(str(store / "06_models/pca_model"))
    features = spark.read.parquet(str(store / "04_feature/extracted_features"))
    vectors = features.dropna(subset="features").withColumn("features", array_to_vector("features"))
    loaded = model.transform(vectors).select("path", vector_to_array("pca_features", "float32"))
    stored = spark.read.parquet(str(store / "05_model_input/pca_features"))
    assert dict(loaded.collect()) == dict(stored.select("path", "pca_features").collect())


def test_model_info_accounts_for_the_run(store):
    info = json.loads((store / "08_reporting/model_info.json").read_text())
    assert {k: info["counts"][k] for k in ("images", "features", "rejected")} == {
        "images": 90,
        "features": 60,
        "rejected": 30,
    }
    assert sum(info["counts"]["rejected_by_reason"].values()) == 30
    assert info["counts"]["rejected_by_reason"]["decode: truncated"] == 3
    assert info["backbone"]["engine"] == "litert"
    assert info["backbone"]["weights"] == "embedded"
    assert info["pca"] == {
        "n_components": 5,
        "standardize": False,
        "k": 5,
        "variance_kept": info["pca"]["variance_kept"],
    }
    assert list(info["stages"]) == list(STAGES)
    for figures in info["stages"].values():
        assert 90 / figures["images_per_s"] == pytest.approx(figures["seconds"], rel=0.01, abs=1e-3)
    assert sum(f["seconds"] for f in info["stages"].values()) <= info["total_seconds"]


def test_counts_of_split_and_class_are_a_result(store):
    counts = pd.read_csv(store / "02_intermediate/class_counts.csv")
    assert counts["images"].sum() == 90
    assert set(zip(counts["split"], counts["label"])) == {
        (split, label)
        for split in ("Training", "Test")
        for label in ("Apple 1", "Cherry 1", "Tomato 1")
    }
    splits = pd.read_csv(store / "04_feature/extraction_counts.csv").set_index("split")
    assert splits["rejected"].sum() == 30 and splits.loc["Test", "features"] == 15


def test_the_plots_hold_the_numbers(store):
    figures = {
        name: json.loads((store / f"08_reporting/{name}.json").read_text())
        for name in ("class_counts_plot", "scree_plot", "components_plot")
    }
    assert "90 photos of 3 classes" in figures["class_counts_plot"]["layout"]["title"]["text"]
    assert "5 components keep" in figures["scree_plot"]["layout"]["title"]["text"]
    points = [name for trace in figures["components_plot"]["data"] for name in trace["hovertext"]]
    assert len(points) == len(set(points)) == 60


def test_the_run_ends_with_a_short_table(finished):
    store, output = finished
    table = " ".join(output[output.rindex("Result") :].split())
    for text in (
        "90 of 3 labels: 22 Test, 68 Training",
        "90 now, 0 in earlier runs",
        "3 decode: truncated",
        "5 keep",
        f"{store}/08_reporting/report.html",
        f"{store}/08_reporting/rejected_images.csv",
        f"{store}/05_model_input/pca_matrix.csv",
        f"kedro viz run --env test --params store={store}",
        "images/s",
    ):
        assert text in table


def test_the_report_shows_the_photos_of_the_store(store):
    page = (store / "08_reporting/report.html").read_text()
    packed = page.partition('id="map-data">')[2].partition("<")[0]
    shown = json.loads(gzip.decompress(base64.b64decode(packed)))
    rows = pq.read_table(store / "08_reporting/map.parquet").to_pylist()
    assert shown["paths"] == [row["path"] for row in rows] and len(rows) == 60
    features = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    pictures = features.set_index("path")["picture"]
    assert all(row["image"]["bytes"] == pictures[row["path"]] for row in rows)
    assert "Extraction took" in page and "30 photos</a> cannot be used" in page


def test_a_run_of_a_part_ends_with_a_table_too(kedro_run, store, sample, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    same = kedro_run("--pipelines", "reduction", images=sample, store=copy)
    assert same.exit_code == 0 and "out of date" not in same.output
    fewer = {"pca.n_components": 4}
    part = kedro_run("--pipelines", "reduction", images=sample, store=copy, **fewer)
    assert part.exit_code == 0, part.output
    table = part.output[part.output.rindex("Result") :]
    assert "4 keep" in table and f"{copy}/06_models/pca_model" in table
    assert "images/s" not in table and "photos" not in table
    stale = " ".join(table[table.index("out of date") :].split())
    assert "components_plot, model_info, photo_map, report, scree_plot" in stale
    assert (
        f"kedro run --pipelines reporting --env test --params images={sample},store={copy}" in stale
    )
    plot = kedro_run("--nodes", "reporting.plot_scree", images=sample, store=copy)
    table = plot.output[plot.output.rindex("Result") :]
    assert f"{copy}/08_reporting/scree_plot.json" in table and "  time  " in table


def test_a_second_run_replaces_the_outputs(kedro_run, store, sample, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    result = kedro_run(images=sample, store=copy, **{"pca.n_components": 3})
    assert result.exit_code == 0, result.output
    assert read(copy, "04_feature/extracted_features").num_rows == 90
    assert pd.read_csv(copy / "08_reporting/explained_variance.csv")["component"].max() == 3
    assert len(pd.read_csv(copy / "05_model_input/pca_matrix.csv").columns) == 6
