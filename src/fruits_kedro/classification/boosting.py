"""Gradient-boosted trees of xgboost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pyspark.ml import Model
from pyspark.sql import DataFrame

_ROWS_A_WORKER = 1000
_FEATURES_A_TREE = 64
_COLUMNS = {"features_col": "vector", "label_col": "label_index", "weight_col": "weight"}


def boosting_settings(settings: Mapping[str, Any], seed: int, n_features: int) -> dict[str, Any]:
    """Settings of xgboost: ours, and those given before them."""
    return {
        "tree_method": "hist",
        "random_state": seed,
        "verbosity": 0,
        # As in a random forest, a tree sees only some of many features.
        "colsample_bytree": min(1.0, _FEATURES_A_TREE / n_features),
        **settings,
    }


def fit_boosting(settings: Mapping[str, Any], seed: int, train: DataFrame, rows: int) -> Model:
    """A fitted ``SparkXGBClassifierModel``.

    Args:
        settings: of ``SparkXGBClassifier``.
        seed: of the random draws.
        train: ``vector``, ``label_index`` (0 to classes - 1) and ``weight``.
        rows: number of rows.
    """
    n_features = train.first()["vector"].size  # type: ignore[index]
    cores = train.sparkSession.sparkContext.defaultParallelism
    ours = {"num_workers": max(1, min(cores, rows // _ROWS_A_WORKER)), "force_repartition": True}
    return _estimator({**ours, **boosting_settings(settings, seed, n_features)}).fit(train)


def spark_boosting(classifier: Any) -> Model:
    """What Spark's workers would have fitted, from a fitted ``XGBClassifier``."""
    from xgboost.spark import SparkXGBClassifierModel

    return _estimator({})._copyValues(SparkXGBClassifierModel(classifier))


def _estimator(settings: Mapping[str, Any]) -> Any:
    from xgboost.spark import SparkXGBClassifier

    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # it logs each step
    return SparkXGBClassifier(**{**_COLUMNS, "verbose": False, **settings})
