"""Each classifier beside scikit-learn's, on the same points."""

import numpy as np
import pytest
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from fruits_kedro.classification.classifiers import (
    check_settings,
    classes_of,
    fit_classifier,
    predict,
)
from fruits_kedro.classification.out_of_distribution import distance_threshold, distances
from fruits_kedro.classification.training import collect
from fruits_kedro.datasets import SparkModelsDataset
from fruits_kedro.errors import FruitsError

MODELS = {
    "logistic_regression": {"regParam": 0.01, "maxIter": 20},
    "random_forest": {"numTrees": 10, "maxDepth": 4},
    "gradient_boosting": {"n_estimators": 5, "max_depth": 2},
    "majority_class": {},
    "nearest_centroid": {},
}
COUNTS = {"a": 60, "b": 40, "c": 20, "d": 1}


@pytest.fixture
def fitted(blobs):
    def fit(name, counts=COUNTS, weights=False, **settings):
        points = blobs(counts)
        rows = points.rows.select("label", "vector")
        return points, fit_classifier(name, MODELS[name] | settings, rows, weights, seed=0)

    return fit


@pytest.mark.parametrize("name", MODELS)
def test_predictions_have_one_form_and_survive_saving(fitted, name, tmp_path):
    points, model = fitted(name)
    assert classes_of(model) == ["a", "b", "c", "d"]
    table = collect(model, points.rows)
    assert sorted(table["path"]) == sorted(points.paths)
    right = (table["label"] == table["predicted"]).mean()
    assert right == 60 / 121 if name == "majority_class" else right > 0.9
    assert table["probability"].between(0, 1).all()
    assert (table["top_3"].str[0] == table["predicted"]).all()
    assert table["top_3"].map(lambda top: len(set(top))).eq(3).all()
    same = table["label"] == table["predicted"]
    assert (table["label_probability"] == table["probability"])[same].all()
    dataset = SparkModelsDataset(filepath=str(tmp_path / "models"))
    assert not dataset.exists()
    dataset.save({"one": model})
    again = collect(dataset.load()["one"], points.rows)
    assert again.drop(columns="top_3").equals(table.drop(columns="top_3"))


def test_a_label_that_is_not_known_has_no_probability(fitted):
    _, model = fitted("logistic_regression", {"a": 20, "b": 20})
    points, _ = fitted("logistic_regression", {"a": 20, "z": 20})
    table = predict(model, points.rows).toPandas().set_index("path")
    unknown = table["label"] == "z"
    assert (table["label_probability"][unknown] == 0).all()
    assert (table["label_probability"][~unknown] > 0).all()
    assert table["top_3"].map(len).eq(2).all()  # of two


@pytest.mark.parametrize("weights", [False, True])
def test_logistic_regression_is_scikit_learn_s(fitted, weights):
    """Without a penalty there is one solution; with class weights each class counts the same."""
    counts = {"a": 60, "b": 40, "c": 20}
    settings = {"regParam": 0.0, "maxIter": 500, "tol": 1e-12}
    points, model = fitted("logistic_regression", counts, weights, **settings)
    reference = LogisticRegression(
        C=np.inf, class_weight="balanced" if weights else None, max_iter=5000, tol=1e-10
    ).fit(points.matrix, points.labels)
    expected = dict(zip(points.paths, reference.predict_proba(points.matrix).max(axis=1)))
    table = collect(model, points.rows).set_index("path")
    found = np.array([table.loc[path, "probability"] for path in points.paths])
    assert found == pytest.approx(np.array(list(expected.values())), abs=2e-3)


def test_the_nearest_centroid_is_scikit_learn_s(fitted):
    points, model = fitted("nearest_centroid")
    reference = NearestCentroid().fit(points.matrix, points.labels)
    table = collect(model, points.rows).set_index("path").loc[points.paths]
    assert list(table["predicted"]) == list(reference.predict(points.matrix))
    far = distances(model, points.rows).select("path", "distance").toPandas().set_index("path")
    gaps = points.matrix[:, None] - reference.centroids_[None]
    expected = np.sqrt((gaps**2).sum(axis=2)).min(axis=1)
    assert far.loc[points.paths, "distance"].to_numpy() == pytest.approx(expected, abs=1e-6)
    threshold = distance_threshold(model, points.rows, 0.9)
    assert threshold == pytest.approx(np.quantile(expected, 0.9), abs=1e-6)


def test_the_majority_class_gives_the_shares_of_training(fitted):
    points, model = fitted("majority_class")
    table = collect(model, points.rows)
    assert set(table["predicted"]) == {"a"}
    shares = table.groupby("label")["label_probability"].first()
    assert shares.to_dict() == pytest.approx({k: n / 121 for k, n in COUNTS.items()})


def test_one_label_is_too_few(fitted):
    with pytest.raises(FruitsError, match="two labels or more.*have 1: a"):
        fitted("random_forest", {"a": 5})


def test_a_seed_gives_the_same_forest(fitted):
    one, two = (collect(m, p.rows) for p, m in (fitted("random_forest"), fitted("random_forest")))
    assert one["probability"].equals(two["probability"])


def test_boosting_on_the_driver_is_that_of_the_workers(blobs):
    """Told how many workers to take, it fits on them, also rows that were coalesced before."""
    points = blobs({"a": 60, "b": 40, "c": 20})
    rows = points.rows.select("label", "vector").coalesce(1)
    settings = MODELS["gradient_boosting"]
    one, two = (
        fit_classifier("gradient_boosting", settings | more, rows, class_weights=True, seed=0)
        for more in ({}, {"num_workers": 1})
    )
    assert collect(one, points.rows).equals(collect(two, points.rows))


def test_equal_probabilities_are_ranked_by_name(fitted):
    points, model = fitted("majority_class", {"b": 2, "a": 2, "c": 2})
    table = predict(model, points.rows.withColumn("label", F.lit("a"))).toPandas()
    assert list(table["top_3"].iloc[0]) == ["a", "b", "c"]


def test_a_setting_that_there_is_not(spark):
    for name, settings in MODELS.items():
        if settings:
            check_settings(name, settings)
    with pytest.raises(FruitsError, match="regParm.*did you mean 'regParam'"):
        check_settings("logistic_regression", {"regParm": 1})
    with pytest.raises(FruitsError, match="gradient_boosting.*no setting 'trees'"):
        check_settings("gradient_boosting", {"trees": 1})
