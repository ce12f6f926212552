"""Folds, the choice among candidates, and labels that may be wrong."""

from collections import Counter
from dataclasses import replace

import pytest

from fruits_kedro.classification.driver_samples import DriverSamples
from fruits_kedro.classification.training import (
    Candidate,
    candidates,
    choose,
    cross_validate,
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


def paths_of(samples):
    if isinstance(samples, DriverSamples):
        return list(samples.photos["path"])
    return [row.path for row in samples.rows.select("path").collect()]


def folds_of(samples):
    parts = [paths_of(samples.fold(i)[1]) for i in range(3)]
    return {path: i for i, paths in enumerate(parts) for path in paths}


def test_folds_are_even_within_each_label_and_the_same_everywhere(blobs):
    points, chosen = blobs({"a": 30, "b": 9, "c": 1}), params(folds=3)
    found = {kind: points.samples(kind, chosen).with_folds() for kind in ("driver", "spark")}
    folds = folds_of(found["driver"])
    assert folds == folds_of(found["spark"]) and sorted(folds) == sorted(points.paths)
    counts = Counter((path.split("/")[1], fold) for path, fold in folds.items())
    assert [counts["a", i] for i in range(3)] == [10, 10, 10]
    assert [counts["b", i] for i in range(3)] == [3, 3, 3]
    points.rows = points.rows.repartition(3)
    assert folds_of(points.samples("spark", chosen).with_folds()) == folds


def test_the_drawn_photos_are_the_same_everywhere(blobs):
    points, chosen = blobs({"a": 30, "b": 9}), params()
    drawn = [set(paths_of(points.samples(kind, chosen).draw(12))) for kind in ("driver", "spark")]
    assert drawn[0] == drawn[1] and len(drawn[0]) == 12
    assert set(paths_of(points.samples("driver", params(seed=1)).draw(12))) != drawn[0]
    assert len(points.samples("driver", chosen).draw(99).photos) == 39


def test_each_row_is_predicted_by_a_model_that_has_not_seen_it(blobs, monkeypatch):
    points, chosen = blobs({"a": 10, "b": 8, "c": 1}), params(folds=3)
    samples = points.samples("driver", chosen).with_folds()
    seen = []
    fit = DriverSamples.fit

    def noting(train, model, settings):
        seen.append(set(paths_of(train)))
        return fit(train, model, settings)

    monkeypatch.setattr(DriverSamples, "fit", noting)
    [(table, seconds)] = cross_validate(candidates(chosen), {"pca_features": samples}, chosen)
    assert sorted(table["path"]) == sorted(points.paths) and seconds > 0
    folds = folds_of(samples)
    expected = [{p for p in points.paths if folds[p] != fold} for fold in range(3)]
    assert sorted(map(sorted, seen)) == sorted(map(sorted, expected))
    only = table[table["label"] == "c"]
    assert len(only) == 1 and (only["label_probability"] == 0).all()  # its only photo was aside


def test_two_photos_are_too_few_and_no_crash(blobs):
    chosen = params(folds=2)
    samples = {"pca_features": blobs({"a": 1, "b": 1}).samples("driver", chosen).with_folds()}
    best, tried = choose(candidates(chosen), samples, chosen)
    assert [c.model for c in best] == ["logistic_regression"]
    assert tried["f1_macro"].iloc[0] <= 0.5


def test_the_best_settings_of_each_model_are_kept_and_the_best_model_is_first(blobs):
    chosen = params(
        models=["random_forest", "logistic_regression"],
        random_forest={"numTrees": 1, "maxDepth": 1},
        logistic_regression={"regParam": [100.0, 0.01], "maxIter": 10},
    )
    samples = blobs({"a": 60, "b": 60, "c": 60}).samples("driver", chosen).with_folds()
    best, tried = choose(candidates(chosen), {"pca_features": samples}, chosen)
    assert best[0] == Candidate(
        "pca_features", "logistic_regression", {"regParam": 0.01, "maxIter": 10}
    )
    assert best[1].model == "random_forest" and len(best) == 2
    assert len(tried) == 3 and tried["f1_macro"].is_monotonic_decreasing
    assert tried["f1_macro"].iloc[0] > 0.9 and (tried["seconds"] > 0).all()


def test_threads_change_no_number(blobs):
    chosen = params(
        models=["random_forest", "gradient_boosting", "logistic_regression"],
        random_forest={"numTrees": 5},
        gradient_boosting={"n_estimators": 3},
    )
    one = blobs({"a": 60, "b": 60, "c": 60}).samples("driver", chosen).with_folds()
    tables = [
        cross_validate(candidates(chosen), {"pca_features": replace(one, threads=n)}, chosen)
        for n in (1, 3)
    ]
    for (alone, _), (beside, _) in zip(*tables, strict=True):
        assert alone["label_probability"].tolist() == beside["label_probability"].tolist()


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
