"""Each classifier of the driver beside Spark's and scikit-learn's, on the same points."""

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import KBinsDiscretizer

from fruits_kedro.classification.driver_fits import fits_on_driver
from fruits_kedro.classification.spark_classifiers import check_settings, distances, predict
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.datasets import SparkModelsDataset
from fruits_kedro.errors import FruitsError

MODELS = {
    "logistic_regression": {"regParam": 0.01, "maxIter": 200, "tol": 1e-10},
    "random_forest": {"numTrees": 10, "maxDepth": 4},
    "gradient_boosting": {"n_estimators": 5, "max_depth": 2},
    "majority_class": {},
    "nearest_centroid": {},
}
COUNTS = {"a": 60, "b": 40, "c": 20, "d": 1}
KINDS = ("driver", "spark")


@pytest.fixture
def fitted(blobs):
    def fit(kind, name, counts=COUNTS, weights=False, **settings):
        models = ["logistic_regression"]  # not asked for here
        params = ClassificationParams(inputs=["features"], models=models, class_weights=weights)
        points = blobs(counts)
        samples = points.samples(kind, params)
        return points, samples, samples.fit(name, MODELS[name] | settings)

    return fit


def table_of(samples, model):
    return samples.predict(model).set_index("path")


def numbers(table):
    return table[["probability", "label_probability"]].to_numpy()


@pytest.mark.parametrize("name", MODELS)
def test_a_classifier_of_the_driver_is_stored_as_one_of_spark(fitted, name, tmp_path):
    points, samples, model = fitted("driver", name)
    assert model.classes == ["a", "b", "c", "d"]
    table = table_of(samples, model)
    assert sorted(table.index) == sorted(points.paths)
    same = table["label"] == table["predicted"]
    assert same.mean() == 60 / 121 if name == "majority_class" else same.mean() > 0.9
    assert table["probability"].between(0, 1).all()
    assert (table["top_3"].str[0] == table["predicted"]).all()
    assert table["top_3"].map(lambda top: len(set(top))).eq(3).all()
    assert (table["label_probability"] == table["probability"])[same].all()
    inside = [label in top for label, top in zip(table["label"], table["top_3"])]
    assert table["in_top_3"].tolist() == inside
    dataset = SparkModelsDataset(filepath=str(tmp_path / "a [b] {c}*" / "models"))
    assert not dataset.exists()
    dataset.save({"one": model})
    loaded = dataset.load()["one"]
    assert isinstance(loaded, PipelineModel)
    assert list(loaded.stages[-1].getLabels()) == model.classes
    again = table_of(samples, loaded)
    assert list(again) == list(table) and again["predicted"].equals(table["predicted"])
    assert again["top_3"].map(list).equals(table["top_3"].map(list))
    assert numbers(again) == pytest.approx(numbers(table), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "counts", "atol"),
    [
        ("logistic_regression", COUNTS, 1e-5),
        ("logistic_regression", {"a": 60, "b": 20}, 1e-5),
        ("gradient_boosting", COUNTS, 1e-6),
        ("majority_class", COUNTS, 1e-12),
        ("nearest_centroid", COUNTS, 1e-5),
    ],
)
def test_the_workers_fit_what_the_driver_fits(fitted, name, counts, atol):
    one, two = (
        table_of(samples, model).sort_index()
        for _, samples, model in (fitted(kind, name, counts, weights=True) for kind in KINDS)
    )
    assert list(two) == list(one) and two["predicted"].equals(one["predicted"])
    assert numbers(two) == pytest.approx(numbers(one), abs=atol, rel=0)


def test_a_forest_of_the_workers_is_as_good_as_that_of_the_driver(fitted):
    for kind in KINDS:
        tables = [table_of(*fitted(kind, "random_forest")[1:]) for _ in range(2)]
        assert (tables[0]["label"] == tables[0]["predicted"]).mean() > 0.9
        assert tables[0]["probability"].equals(tables[1]["probability"])  # the seed is the same


def test_a_forest_is_scikit_learn_s_on_quantiles(fitted):
    _, samples, model = fitted(
        "driver", "random_forest", {"a": 60, "b": 40, "c": 20}, maxBins=16, minInstancesPerNode=2
    )
    quantiles = KBinsDiscretizer(16, encode="ordinal", quantile_method="linear")
    bins = quantiles.fit_transform(samples.matrix)
    reference = RandomForestClassifier(10, max_depth=4, min_samples_leaf=2, random_state=0)
    reference.fit(bins, samples.photos["label"], np.ones(len(bins)))
    expected = reference.predict_proba(bins)
    assert model.probabilities(samples.matrix) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_is_not_known_has_no_probability(fitted, kind):
    *_, model = fitted(kind, "nearest_centroid", {"a": 20, "b": 20})
    _, samples, _ = fitted(kind, "nearest_centroid", {"a": 20, "z": 20})
    table = table_of(samples, model)
    unknown = table["label"] == "z"
    assert (table["label_probability"][unknown] == 0).all()
    assert (table["label_probability"][~unknown] > 0).all()
    assert not table["in_top_3"][unknown].any() and table["top_3"].map(len).eq(2).all()  # of two


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_logistic_regression_is_scikit_learn_s(fitted, kind, weights):
    """Without a penalty there is one solution; with class weights each class counts the same."""
    counts = {"a": 60, "b": 40, "c": 20}
    settings = {"regParam": 0.0, "maxIter": 500, "tol": 1e-12}
    points, samples, model = fitted(kind, "logistic_regression", counts, weights, **settings)
    reference = LogisticRegression(
        C=np.inf, class_weight="balanced" if weights else None, max_iter=5000, tol=1e-10
    ).fit(points.matrix.astype(float), points.labels)
    expected = reference.predict_proba(points.matrix.astype(float)).max(axis=1)
    found = table_of(samples, model).loc[points.paths, "probability"].to_numpy()
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_centroid_is_scikit_learn_s(fitted, kind):
    points, samples, model = fitted(kind, "nearest_centroid")
    matrix = points.matrix.astype(float)
    reference = NearestCentroid().fit(matrix, points.labels)
    table = table_of(samples, model).loc[points.paths]
    assert list(table["predicted"]) == list(reference.predict(matrix))
    gaps = matrix[:, None] - reference.centroids_[None]
    expected = np.sqrt((gaps**2).sum(axis=2)).min(axis=1)
    threshold = samples.distance_quantile(model, 0.9)
    assert threshold == pytest.approx(np.quantile(expected, 0.9), abs=1e-5)
    if kind == "spark":
        far = distances(model, samples.rows).select("path", "distance").toPandas()
        found = far.set_index("path").loc[points.paths, "distance"].to_numpy()
    else:
        found = model.distances(points.matrix)
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_majority_class_gives_the_shares_of_training(fitted):
    _, samples, model = fitted("driver", "majority_class")
    table = table_of(samples, model)
    assert set(table["predicted"]) == {"a"}
    shares = table.groupby("label")["label_probability"].first()
    assert shares.to_dict() == pytest.approx({k: n / 121 for k, n in COUNTS.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_one_label_is_too_few(fitted, kind):
    with pytest.raises(FruitsError, match="two labels or more.*have 1: a"):
        fitted(kind, "random_forest", {"a": 5})


@pytest.mark.parametrize("kind", KINDS)
def test_equal_probabilities_are_ranked_by_name(fitted, kind):
    _, samples, model = fitted(kind, "majority_class", {"b": 2, "a": 2, "c": 2})
    assert list(table_of(samples, model)["top_3"].iloc[0]) == ["a", "b", "c"]


def test_new_photos_have_no_label(fitted):
    _, samples, model = fitted("spark", "majority_class")
    table = predict(model, samples.rows.drop("label")).toPandas()
    assert set(table["predicted"]) == {"a"} and (table["label_probability"] == 0).all()


def test_a_setting_that_there_is_not(spark):
    for name, settings in MODELS.items():
        if settings:
            check_settings(name, settings)
    with pytest.raises(FruitsError, match=r"regParm.*\(did you mean regParam\?\)\.$"):
        check_settings("logistic_regression", {"regParm": 1})
    with pytest.raises(FruitsError, match="gradient_boosting.*no setting 'trees'"):
        check_settings("gradient_boosting", {"trees": 1})


@pytest.mark.parametrize(
    ("name", "settings", "fits"),
    [
        ("logistic_regression", {"regParam": 0.1, "elasticNetParam": 0}, True),
        ("logistic_regression", {"elasticNetParam": 0.5}, False),
        ("logistic_regression", {"aggregationDepth": 3}, False),
        ("random_forest", {"numTrees": 3, "featureSubsetStrategy": "onethird"}, True),
        ("random_forest", {"featureSubsetStrategy": "7"}, False),
        ("random_forest", {"minInfoGain": 0.1}, False),
        ("gradient_boosting", {"max_depth": 3}, True),
        ("gradient_boosting", {"num_workers": 1}, False),
    ],
)
def test_what_only_spark_has_is_fitted_by_spark(name, settings, fits):
    assert fits_on_driver(name, settings) == fits
