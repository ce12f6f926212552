"""Fits of scikit-learn and xgboost, in the memory of the driver.

The settings are those of Spark ML, and mean the same. Every fit takes one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.classification.boosting import boosting_settings
from fruits_kedro.classification.checks import TooFewLabelsError
from fruits_kedro.classification.driver_classifiers import (
    Boosting,
    DriverClassifier,
    Forest,
    Linear,
)
from fruits_kedro.linalg.linear import Matrix

_FOREST = {
    "numTrees": "n_estimators",
    "maxDepth": "max_depth",
    "minInstancesPerNode": "min_samples_leaf",
    "featureSubsetStrategy": "max_features",
    "impurity": "criterion",
}
_SUBSETS = {"auto": "sqrt", "sqrt": "sqrt", "log2": "log2", "all": 1.0, "onethird": 1 / 3}
_LINEAR = {"regParam", "elasticNetParam", "maxIter", "tol", "fitIntercept", "standardization"}

Targets = NDArray[np.int_]
Weights = NDArray[np.float64]


def fits_on_driver(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether the settings of a model can be had outside Spark ML."""
    if name == "logistic_regression":
        return {*settings} <= _LINEAR and settings.get("elasticNetParam", 0) == 0
    if name == "random_forest":
        subset = settings.get("featureSubsetStrategy", "auto")
        return {*settings} <= {*_FOREST, "maxBins"} and subset in _SUBSETS
    from xgboost import XGBClassifier

    return {*settings} <= {*XGBClassifier().get_params()}


def fit_on_driver(
    name: str,
    settings: Mapping[str, Any],
    matrix: Matrix,
    labels: pd.Series,
    class_weights: bool,
    seed: int,
) -> DriverClassifier:
    """A fitted classifier; the arguments are those of :meth:`DriverSamples.fit`.

    Raises:
        TooFewLabelsError: there are fewer than two classes.
    """
    classes = sorted(labels.unique())
    if len(classes) < 2:
        raise TooFewLabelsError(classes)
    targets = pd.Index(classes).get_indexer(labels)
    counts = np.bincount(targets)
    if name == "majority_class":
        weights = np.zeros((len(classes), matrix.shape[1]))
        return Linear(weights, np.log(counts / counts.sum()), classes)
    if name == "nearest_centroid":
        centroids = np.stack(
            [matrix[targets == i].mean(axis=0, dtype=float) for i in range(len(classes))]
        )
        return Linear(centroids, -np.square(centroids).sum(axis=1) / 2, classes)
    each = (
        (len(targets) / len(classes) / counts)[targets] if class_weights else np.ones(len(targets))
    )
    if name == "logistic_regression":
        return Linear(*_logistic_regression(settings, matrix, targets, each), classes)
    if name == "random_forest":
        return Forest(classes, _forest(settings, seed, matrix, targets, each))
    from xgboost import XGBClassifier

    boosting = XGBClassifier(n_jobs=1, **boosting_settings(settings, seed, matrix.shape[1]))
    return Boosting(classes, boosting.fit(matrix, targets, sample_weight=each))


def _logistic_regression(
    settings: Mapping[str, Any],
    matrix: Matrix,
    targets: Targets,
    each: Weights,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and bias that minimise Spark ML's objective.

    It is the mean of the weighted losses plus regParam / 2 times the squared coefficients of
    features that are divided by their standard deviations; scikit-learn's is C times the sum of the
    losses plus half of the squared coefficients.
    """
    from sklearn.linear_model import LogisticRegression

    given = {"regParam": 0.0, "maxIter": 100, "tol": 1e-6, "fitIntercept": True, **settings}
    total = each.sum()
    scale = np.ones(matrix.shape[1])
    if given.get("standardization", True):
        gaps = matrix - each @ matrix / total
        scale = np.sqrt(each @ np.square(gaps) / (total - np.square(each).sum() / total))
    scale[scale == 0] = np.inf  # nothing is to be learned from a feature that is constant
    binary = targets.max() == 1
    # Of two classes, scikit-learn has one row of coefficients, and Spark two of half the size.
    penalty = given["regParam"] * total / (2 if binary else 1)
    model = LogisticRegression(
        C=1 / penalty if penalty else np.inf,
        max_iter=given["maxIter"],
        tol=given["tol"],
        fit_intercept=given["fitIntercept"],
    )
    model.fit(matrix / scale, targets, each)
    weights, bias = model.coef_ / scale, np.broadcast_to(model.intercept_, len(model.coef_))
    if binary:
        return np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return weights, np.array(bias)


def _forest(
    settings: Mapping[str, Any], seed: int, matrix: Matrix, targets: Targets, each: Weights
) -> Any:
    """A ``RandomForestClassifier`` whose thresholds are quantiles of a feature, as Spark's.

    Free thresholds are worse: a macro-F1 of 0.92 in the place of 0.94 on 8,040 Training photos of
    67 labels, and they take two to four times as long.
    """
    from sklearn.ensemble import RandomForestClassifier

    given = {"numTrees": 20, "maxDepth": 5, "maxBins": 32, **settings}
    bins = given.pop("maxBins")
    given["featureSubsetStrategy"] = _SUBSETS[given.get("featureSubsetStrategy", "auto")]
    forest = RandomForestClassifier(
        random_state=seed, **{_FOREST[name]: value for name, value in given.items()}
    )
    values = matrix.astype(np.float32)  # scikit-learn compares these
    cuts = np.quantile(values, np.arange(1, bins) / bins, axis=0).astype(np.float64)
    binned = [np.searchsorted(cut, column) for cut, column in zip(cuts.T, values.T)]
    forest.fit(np.column_stack(binned).astype(np.float32), targets, each)
    for tree in (one.tree_ for one in forest.estimators_):
        inner = tree.children_left >= 0
        last_bin_on_the_left = np.floor(tree.threshold[inner]).astype(int)
        tree.threshold[inner] = cuts[last_bin_on_the_left, tree.feature[inner]]
    return forest
