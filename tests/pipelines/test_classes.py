"""Classes as people have them: a leak, many classes, classes of one photo or of one split."""

import json
import shutil

import pandas as pd
from tests.s3.results import metrics

from fruits_kedro.commands.sample import write_sample

CLASSIFY = ("--pipelines", "classification")


def test_a_planted_training_photo_stops_the_run_and_odd_classes_do_not(kedro_run, tmp_path):
    """One photo of Apple 1; Pear 1 only in Training, Tomato 1 only in Test."""
    images, store = tmp_path / "photos", tmp_path / "store"
    sum(write_sample(images, classes=4, images=8, seed=0, broken=0))
    label = images / "Training/Cherry 1"
    shutil.copy(next(label.iterdir()), images / "Test/Cherry 1/planted.jpg")
    for path in sorted((images / "Training/Apple 1").iterdir())[1:]:
        path.unlink()
    shutil.rmtree(images / "Training/Tomato 1")
    shutil.rmtree(images / "Test/Pear 1")
    places = {"images": images, "store": store, "classification.inputs": "pca_features"}
    places |= {
        "classification.models": "logistic_regression+random_forest",
        "classification.folds": 2,
        "classification.driver_images": 0,  # Spark fits
    }
    assert kedro_run(**places).exit_code == 0
    result = kedro_run(*CLASSIFY, **places)
    assert result.exit_code != 0
    said = " ".join(result.output.split())
    assert "Test/Cherry 1/planted.jpg" in said and "classification.leaks=leave_out" in said
    leaked = pd.read_csv(store / "08_reporting/leaks.csv")
    assert list(leaked["other_path"]) == ["Test/Cherry 1/planted.jpg"]
    assert not (store / "07_model_output").exists()
    chosen = {"classification.leaks": "leave_out", "classification.selection": "true"}
    result = kedro_run(*CLASSIFY, **places, **chosen)
    assert result.exit_code == 1 and "the store has no selection" in " ".join(result.output.split())
    # Photos of Test leave the selection, beside the Training photo that Test has.
    chosen |= {"curation.deviations": 1}
    result = kedro_run("--pipelines", "curation,classification", **places, **chosen)
    assert result.exit_code == 0, result.output
    protocols = metrics(store)["protocols"]
    selection = pd.read_parquet(store / "07_model_output/selection")
    of_test = selection.loc[selection["split"] == "Test", "selected"]
    assert protocols["in_distribution"]["images"] == of_test.sum() < len(of_test)
    models = ("logistic_regression", "random_forest")
    names = {f"{m}.pca_features" for m in (*models, "majority_class", "nearest_centroid")}
    assert set(protocols["in_distribution"]["models"]) == names
    assert protocols["in_distribution"]["not_in_training"] == ["Tomato 1"]
    classes = pd.read_csv(store / "08_reporting/class_scores.csv").set_index("label")
    assert classes.loc["Tomato 1", "recall"] == 0
    assert (
        "two fruits" in protocols["leave_one_variety_out"]["not_measured"]
    )  # each has one variety


def test_two_hundred_classes(kedro_run, tmp_path):
    images, store = tmp_path / "photos", tmp_path / "store"
    sum(write_sample(images, classes=200, images=3, seed=0, broken=0))
    few = {"inputs": "pca_features", "models": "logistic_regression", "folds": 2}
    places = {"images": images, "store": store, **{f"classification.{k}": few[k] for k in few}}
    pipelines = ("--pipelines", "__default__,classification")
    result = kedro_run(*pipelines, **places)
    assert result.exit_code == 0, result.output
    found = metrics(store)["protocols"]
    assert (
        found["in_distribution"]["classes"] == 200
        and found["leave_one_variety_out"]["classes"] == 10
    )
    plot = json.loads((store / "08_reporting/confusion_plot.json").read_text())
    assert len(plot["data"][0]["x"]) >= 200


def test_wrong_parameters_fail_before_spark(kedro_run, tmp_path):
    result = kedro_run(*CLASSIFY, store=tmp_path, **{"classification.models": "svm"})
    assert result.exit_code != 0 and "classification.models" in result.output
