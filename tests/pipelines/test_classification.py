"""The pipeline from stored features to figures and pictures, and new photos through its models."""

import json
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sklearn.metrics import f1_score
from tests.notebooks import executed_here, figures
from tests.s3.results import metrics

from fruits_kedro.cli import predict

MODELS = ("logistic_regression", "random_forest", "gradient_boosting")
BASELINES = ("majority_class", "nearest_centroid")


def test_every_test_photo_is_predicted(classified):
    photos, store, _ = classified
    table = pq.read_table(store / "07_model_output/predictions").to_pandas()
    assert list(table) == ["path", "split", "label", "predicted", "probability", "top_3"]
    expected = sorted(str(p.relative_to(photos)) for p in photos.glob("Test/*/*.jpg"))
    assert sorted(table["path"]) == expected and set(table["split"]) == {"Test"}
    assert (table["path"].str.split("/").str[1] == table["label"]).all()
    assert (table["top_3"].str[0] == table["predicted"]).all()
    best = metrics(store)["best"]
    macro = metrics(store)["protocols"]["in_distribution"]["models"][best]["f1_macro"]
    expected = f1_score(table["label"], table["predicted"], average="macro", zero_division=0)
    assert macro["value"] == pytest.approx(expected, abs=1e-9)
    assert macro["low"] <= macro["value"] <= macro["high"]


def test_both_protocols_and_all_models_are_scored(classified):
    _, store, output = classified
    found = metrics(store)
    names = {f"{model}.features" for model in (*MODELS, *BASELINES)}
    assert {name: set(p["models"]) for name, p in found["protocols"].items()} == {
        "in_distribution": names,
        "leave_one_variety_out": names,
    }
    in_distribution, unseen = found["protocols"].values()
    assert (in_distribution["classes"], in_distribution["images"]) == (12, 24)
    assert (unseen["classes"], unseen["images"]) == (2, 40)  # Apple and Cherry, both splits
    assert "same physical fruits" in found["reason"] and "same physical fruits" in " ".join(
        output.split()
    )
    assert "macro-F1" in output and "  unseen" in output
    scores = pd.read_csv(store / "08_reporting/classification_scores.csv")
    assert set(scores["metric"]) == {
        *("accuracy", "balanced_accuracy", "top_3", "log_loss"),
        *(f"{m}_{a}" for m in ("precision", "recall", "f1") for a in ("macro", "weighted")),
    }
    seconds = scores[scores["protocol"] == "in_distribution"].groupby("model")["seconds"].min()
    assert set(seconds.index) == {*MODELS, *BASELINES} and (seconds > 0).all()
    majority = scores[(scores["model"] == "majority_class") & (scores["metric"] == "accuracy")]
    assert majority.set_index("protocol")["value"]["in_distribution"].max() == pytest.approx(1 / 12)


def test_the_pictures_show_all_classes(classified):
    _, store, _ = classified

    def figure(name):
        return json.loads((store / f"08_reporting/{name}.json").read_text())

    confusion = figure("confusion_plot")["data"][0]
    assert len(set(confusion["y"])) == len(confusion["y"]) == 12
    bars = figure("class_scores_plot")["data"][0]
    assert set(bars["y"]) == set(confusion["y"]) and len(figure("scores_plot")["data"]) == 2


def test_the_report_gets_what_was_found(classified):
    _, store, _ = classified
    summary = json.loads((store / "08_reporting/classification_summary.json").read_text())
    table = pq.read_table(store / "07_model_output/predictions").to_pandas()
    wrong = table[table["label"] != table["predicted"]]
    assert summary["mistakes"] == dict(zip(wrong["path"], wrong["predicted"]))
    pairs = pd.read_csv(store / "08_reporting/confused_pairs.csv")
    assert [pair["images"] for pair in summary["pairs"]] == pairs["images"].tolist()
    assert sum(pairs["images"]) == len(wrong)
    found = summary["confusion"]
    counts = pd.DataFrame(found["counts"], found["labels"], found["labels"])
    for (label, predicted), rows in table.groupby(["label", "predicted"]):
        if label in counts.index and predicted in counts.index:
            assert counts.loc[label, predicted] == len(rows)
    confused = {*wrong["label"], *wrong["predicted"]}
    assert set(found["labels"]) == confused and found["clean"] == 12 - len(confused)
    right = table[table["label"] == table["predicted"]].set_index("path")["label"]
    for pair in summary["pairs"]:
        assert pair["typical"] is None or right[pair["typical"]] == pair["predicted"]
    page = (store / "08_reporting/report.html").read_text()
    assert "same physical fruits" in page and "nearest centroid" in page


def run_predict(folder, store, output, *arguments):
    params = f"store={store}"
    given = [str(folder), "--env", "test", "--params", params]
    given += ["--output", str(output)] if output else []
    return CliRunner().invoke(predict, [*given, *arguments])


def test_new_photos_are_named(classified, tmp_path):
    photos, store, _ = classified
    folder = tmp_path / "new"
    copies = {}
    for i, path in enumerate(sorted(photos.glob("Test/*/*.jpg"))[:6]):
        (folder / f"box {i}").mkdir(parents=True)
        shutil.copy(path, folder / f"box {i}" / path.name)
        copies[str(path.relative_to(photos))] = f"box {i}/{path.name}"
    (folder / "broken.jpg").write_bytes(b"no photo")
    output = tmp_path / "no folder yet" / "out.csv"
    result = run_predict(folder, store, output)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(output).set_index("path")
    assert len(table) == 7
    assert table.loc["broken.jpg", "error"].startswith("decode: not_an_image")
    assert table.loc["broken.jpg", ["predicted", "probability", "distance"]].isna().all()
    stored = pq.read_table(store / "07_model_output/predictions").to_pandas().set_index("path")
    for path, copy in copies.items():
        assert table.loc[copy, "predicted"] == stored.loc[path, "predicted"]
        assert table.loc[copy, "probability"] == pytest.approx(stored.loc[path, "probability"])
        assert table.loc[copy, "top_3"] == ", ".join(stored.loc[path, "top_3"])
    assert "broken.jpg" in result.output and "1 cannot be used" in result.output


def test_photos_far_from_all_classes_are_out_of_distribution(classified, tmp_path):
    photos, store, _ = classified
    shutil.copytree(store / "04_feature", tmp_path / "store/04_feature")
    shutil.copytree(store / "06_models", tmp_path / "store/06_models")
    folder, output = photos / "Test/Apple 1", tmp_path / "out.csv"
    assert run_predict(folder, tmp_path / "store", output).exit_code == 0
    distances = pd.read_csv(output)["distance"]
    limit = float(distances.mean())  # of the two, one is further
    info = json.loads((tmp_path / "store/06_models/classifier_info.json").read_text())
    (tmp_path / "store/06_models/classifier_info.json").write_text(
        json.dumps(info | {"distance_threshold": limit})
    )
    result = run_predict(folder, tmp_path / "store", None, "--json")
    output = tmp_path / "store/07_model_output/new_photos.csv"
    table = pd.read_csv(output)
    assert list(table["out_of_distribution"].astype(bool)) == list(distances > limit)
    said = json.loads(result.stdout)
    assert "2 photos" in said and any("out of distribution" in key for key in said)
    assert said["CSV"] == str(output)


@pytest.mark.parametrize(
    ("key", "said"), [("fingerprint", "backbone is not other"), ("pca_fingerprint", "PCA is not")]
)
def test_classifiers_of_other_features_are_not_used(classified, tmp_path, key, said):
    photos, store, _ = classified
    shutil.copytree(store / "06_models", tmp_path / "store/06_models")
    file = tmp_path / "store/06_models/classifier_info.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: "other"}))
    result = run_predict(photos / "Test/Apple 1", tmp_path / "store", tmp_path / "out.csv")
    assert result.exit_code == 1 and said in " ".join(result.output.split())


def test_without_classifiers_a_word_says_what_to_run(classified, tmp_path):
    photos, store, _ = classified
    fitted = shutil.ignore_patterns("classifier*")
    shutil.copytree(store / "06_models", tmp_path / "store/06_models", ignore=fitted)
    result = run_predict(photos / "Test/Apple 1", tmp_path / "store", tmp_path / "out.csv")
    assert result.exit_code == 1 and "kedro run --pipelines classification" in result.output
    assert not (tmp_path / "out.csv").exists()


def test_the_notebook_shows_it(project, classified, monkeypatch):
    images, store, _ = classified
    shown = executed_here("02_classification", project, images, store, monkeypatch)
    assert len(figures(shown)) == 2
    assert "srcdoc=" in shown[-1]["data"]["text/html"]
    text = "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in shown)
    assert "same physical fruits" in text and "leave_one_variety_out" in text
