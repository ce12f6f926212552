"""Gradient-boosted trees of xgboost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml import Model
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_ROWS_A_WORKER = 1000
_FEATURES_A_TREE = 64
_COLUMNS = {"features_col": "vector", "label_col": "label_index", "weight_col": "weight"}


def fit_boosting(settings: Mapping[str, Any], seed: int, train: DataFrame, rows: int) -> Model:
    """A fitted ``SparkXGBClassifierModel``.

    Fewer than 2,000 rows are fitted on the driver. Spark's workers would wait 3 s for each other
    at barriers, each of which takes a second, and fit for a tenth of a second.

    Args:
        settings: of ``SparkXGBClassifier``; with ``num_workers``, the workers always fit.
        seed: of the random draws.
        train: ``vector``, ``label_index`` (0 to classes - 1) and ``weight``.
        rows: number of rows.
    """
    from xgboost import XGBClassifier
    from xgboost.spark import SparkXGBClassifier

    length = train.first()["vector"].size  # type: ignore[index]
    cores = train.sparkSession.sparkContext.defaultParallelism
    workers = max(1, min(cores, rows // _ROWS_A_WORKER))
    given: dict[str, Any] = {
        "tree_method": "hist",
        "random_state": seed,
        "verbosity": 0,
        # As in a random forest, a tree sees only some of many features.
        "colsample_bytree": min(1.0, _FEATURES_A_TREE / length),
        **settings,
    }
    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # it logs each step
    ours = {"num_workers": workers, "force_repartition": True, "verbose": False}
    estimator = SparkXGBClassifier(**{**_COLUMNS, **ours, **given})
    if rows < 2 * _ROWS_A_WORKER and set(given) <= set(XGBClassifier().get_params()):
        one = XGBClassifier(n_jobs=1, **given)  # as a worker: sums do not depend on the machine
        return _fit_on_driver(estimator, one, train)
    return estimator.fit(train)


def _fit_on_driver(estimator: Any, classifier: Any, train: DataFrame) -> Model:
    """What ``estimator.fit(train)`` returns, fitted by ``classifier``."""
    from xgboost.spark import SparkXGBClassifierModel

    vector = vector_to_array(F.col("vector"), "float32").alias("vector")
    table: pd.DataFrame = train.select(vector, "label_index", "weight").toPandas()
    vectors, classes = np.stack(table["vector"]), table["label_index"].astype(int)
    model = SparkXGBClassifierModel(classifier.fit(vectors, classes, sample_weight=table["weight"]))
    return estimator._copyValues(model)
