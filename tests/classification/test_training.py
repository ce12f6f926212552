"""Folds, the choice among candidates, and labels that may be wrong."""

import numpy as np
import pytest
from pyspark.sql import functions as F

from fruits_kedro.classification.training import (
    Candidate,
    candidates,
    choose,
    cross_validate,
    find_label_issues,
    with_folds,
)
from fruits_kedro.config.classification import ClassificationParams


def params(**given):
    one = {"inputs": ["pca_features"], "models": ["logistic_regression"], "class_weights": False}
    settings = {"logistic_regression": {"regParam": 0.01, "maxIter": 10}}
    return ClassificationParams(**(one | settings | given))


def test_every_combination_of_settings_is_a_candidate():
    chosen = params(
        inputs="features+pca_features",
        models="random_forest+logistic_regression",
        logistic_regression={"regParam": [0.1, 0.2], "maxIter": [5, 6]},
        random_forest={"numTrees": 3},
    )
    found = candidates(chosen)
    models = ["random_forest", *["logistic_regression"] * 4]
    assert [(c.inputs, c.model) for c in found] == [
        *[("features", model) for model in models],
        *[("pca_features", model) for model in models],
    ]
    assert [c.settings for c in found[1:5]] == [
        {"regParam": r, "maxIter": i} for r in (0.1, 0.2) for i in (5, 6)
    ]


def test_folds_are_even_within_each_label(blobs):
    rows = with_folds(blobs({"a": 30, "b": 9, "c": 1}).rows, params(folds=3))
    counts = rows.groupBy("label").pivot("fold").count().fillna(0).toPandas().set_index("label")
    assert counts.loc["a"].tolist() == [10, 10, 10] and counts.loc["b"].tolist() == [3, 3, 3]
    assert counts.loc["c"].sum() == 1
    again = with_folds(blobs({"a": 30, "b": 9, "c": 1}).rows.repartition(3), params(folds=3))
    assert sorted(again.select("path", "fold").collect()) == sorted(
        rows.select("path", "fold").collect()
    )


def test_each_row_is_predicted_by_a_model_that_has_not_seen_it(blobs, monkeypatch):
    points = blobs({"a": 10, "b": 8, "c": 1})
    chosen = params(folds=3)
    rows = with_folds(points.rows, chosen)
    seen = []
    from fruits_kedro.classification import training

    fit = training.fit

    def noting(candidate, train, params):
        seen.append({row.path for row in train.collect()})
        return fit(candidate, train, params)

    monkeypatch.setattr(training, "fit", noting)
    table = cross_validate(candidates(chosen)[0], rows, chosen)
    assert sorted(table["path"]) == sorted(points.paths)
    folds = {row.path: row.fold for row in rows.collect()}
    assert seen == [{p for p in points.paths if folds[p] != fold} for fold in range(3)]
    only = table[table["label"] == "c"]
    assert len(only) == 1 and (only["label_probability"] == 0).all()  # its only photo was aside


def test_two_photos_are_too_few_and_no_crash(blobs):
    chosen = params(folds=2)
    rows = with_folds(blobs({"a": 1, "b": 1}).rows, chosen)
    best, tried, _ = choose(candidates(chosen), lambda _: rows, chosen)
    assert [c.model for c in best] == ["logistic_regression"]
    assert find_label_issues(cross_validate(best[0], rows, chosen)).columns[0] == "path"
    assert tried["f1_macro"].iloc[0] <= 0.5


def test_the_best_settings_of_each_model_are_kept_and_the_best_model_is_first(blobs):
    chosen = params(
        models=["random_forest", "logistic_regression"],
        random_forest={"numTrees": 1, "maxDepth": 1},
        logistic_regression={"regParam": [100.0, 0.01], "maxIter": 10},
    )
    rows = with_folds(blobs({"a": 60, "b": 60, "c": 60}).rows, chosen)
    best, tried, _ = choose(candidates(chosen), lambda _: rows, chosen)
    assert best[0] == Candidate(
        "pca_features", "logistic_regression", {"regParam": 0.01, "maxIter": 10}
    )
    assert best[1].model == "random_forest" and len(best) == 2
    assert len(tried) == 3 and tried["f1_macro"].is_monotonic_decreasing
    assert tried["f1_macro"].iloc[0] > 0.9 and (tried["seconds"] > 0).all()


def test_wrong_labels_are_among_the_first_label_issues(blobs):
    """5 % of the labels are another one's."""
    points = blobs(dict.fromkeys("abcdefgh", 50), d=8, spread=0.4)
    rng = np.random.default_rng(0)
    wrong = sorted(rng.choice(points.paths, 20, replace=False))
    swap = F.translate("label", "abcdefgh", "bcdefgha")
    label = F.when(F.col("path").isin(*wrong), swap).otherwise(F.col("label"))
    chosen = params()
    rows = with_folds(points.rows.withColumn("label", label), chosen)
    found = find_label_issues(cross_validate(candidates(chosen)[0], rows, chosen))
    assert found["label_probability"].is_monotonic_increasing
    assert len(set(found["path"].head(20)) & set(wrong)) >= 18


@pytest.mark.parametrize(
    "given",
    [
        {"models": ["svm"]},
        {"models": []},
        {"inputs": "raw"},
        {"folds": 1},
        {"random_forest": {"maxDepth": []}},
    ],
)
def test_wrong_parameters(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        params(**given)
