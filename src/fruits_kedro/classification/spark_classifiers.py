"""Spark ML and xgboost classifiers and two baselines, as pipelines with the same columns.

The workers fit them, on any number of photos.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.classification import (
    LogisticRegression,
    LogisticRegressionModel,
    RandomForestClassifier,
)
from pyspark.ml.feature import IndexToString, StringIndexerModel
from pyspark.ml.functions import vector_to_array
from pyspark.ml.stat import Summarizer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.classification.boosting import fit_boosting
from fruits_kedro.classification.checks import TooFewLabelsError
from fruits_kedro.classification.protocols import TOP
from fruits_kedro.errors import FruitsError
from fruits_kedro.spark.models import linear_classifier
from fruits_kedro.validation import did_you_mean

logger = logging.getLogger(__name__)

_OURS = re.compile("Col$|_col$")


def check_settings(name: str, settings: Mapping[str, Any]) -> None:
    """Raise FruitsError if the classifier lacks one of the settings."""
    estimator = _class_of(name)()
    known = {param.name for param in estimator.params if not _OURS.search(param.name)}
    if unknown := sorted(set(settings) - known):
        raise FruitsError(
            f"classification.{name}: {type(estimator).__name__} has no setting {unknown[0]!r}"
            f"{did_you_mean(unknown[0], known)}."
        )


def fit_classifier(
    name: str, settings: Mapping[str, Any], train: DataFrame, class_weights: bool, seed: int
) -> PipelineModel:
    """A Spark ML pipeline that predicts ``label`` (string) from ``vector``.

    Args:
        name: a ``ModelName`` or one of ``BASELINES``.
        train: ``label`` and ``vector``.
        class_weights: weight every class equally, instead of every row.

    Returns:
        A pipeline that adds ``probability`` (classes in alphabetical order) and ``predicted``.

    Raises:
        TooFewLabelsError: there are fewer than two classes.
    """
    counts = {row.label: row["count"] for row in train.groupBy("label").count().collect()}
    classes = sorted(counts)
    if len(classes) < 2:
        raise TooFewLabelsError(classes)
    if name == "majority_class":
        fitted: Any = _majority_class(train, classes, counts)
    elif name == "nearest_centroid":
        fitted = _nearest_centroid(train, classes)
    else:
        logger.info("fitting %s %s", name, dict(settings))
        rows = sum(counts.values())
        weights = {c: rows / len(classes) / counts[c] if class_weights else 1.0 for c in classes}
        indexed = _indexed(train, classes, weights)
        if name == "gradient_boosting":
            fitted = fit_boosting(settings, seed, indexed, rows)
        else:
            fitted = _estimator(name, settings, seed).fit(indexed)
    names = IndexToString(inputCol="prediction", outputCol="predicted", labels=classes)
    return PipelineModel([fitted, names])


def predict(model: PipelineModel, rows: DataFrame) -> DataFrame:
    """The predicted label of each row.

    Args:
        rows: ``vector`` and any other columns; ``label`` if the truth is known.

    Returns:
        The columns of ``rows`` without ``vector``, and ``predicted``, ``probability`` (of that
        label), ``top_3`` (the most probable labels), ``label_probability`` (of the true label; 0 if
        the model does not know it).
    """
    names = _array(list(model.stages[-1].getLabels()), "string")  # type: ignore[attr-defined]
    scored = model.transform(rows).withColumn("p", vector_to_array(F.col("probability")))
    ranked = F.transform("p", lambda p, i: F.struct(p.alias("p"), (-i).alias("i")))
    best = F.slice(F.sort_array(ranked, asc=False), 1, TOP)
    label = F.col("label") if "label" in rows.columns else F.lit(None).cast("string")
    known = F.get("p", (F.call_function("array_position", names, label) - 1).cast("int"))
    kept = [name for name in rows.columns if name != "vector"]
    return scored.select(
        *kept,
        "predicted",
        F.element_at("p", F.col("prediction").cast("int") + 1).alias("probability"),
        F.transform(best, lambda one: F.element_at(names, 1 - one["i"])).alias("top_3"),
        F.coalesce(known, F.lit(0.0)).alias("label_probability"),
    )


def distances(nearest_centroid: PipelineModel, rows: DataFrame) -> DataFrame:
    """Add ``distance``: Euclidean, from ``vector`` to the nearest class centroid.

    The model's largest score s is c·x - |c|²/2, so the squared distance is |x|² - 2 s.
    """
    linear = nearest_centroid.stages[0]
    scored = linear.transform(rows)
    square = F.aggregate(
        vector_to_array(F.col("vector")), F.lit(0.0), lambda total, x: total + x * x
    )
    best = F.array_max(vector_to_array(F.col("rawPrediction")))
    distance = F.sqrt(F.greatest(square - 2 * best, F.lit(0.0)))
    return scored.withColumn("distance", distance).drop(
        "rawPrediction", "probability", "prediction"
    )


def collect(model: PipelineModel, rows: DataFrame) -> pd.DataFrame:
    """Predictions for labelled rows, on the driver.

    Returns:
        ``path, split, label, predicted, probability, label_probability, in_top_3, top_3``, and
        ``variety`` if the rows have it.
    """
    found = predict(model, rows).withColumn("in_top_3", F.array_contains("top_3", F.col("label")))
    columns = ["path", "split", "label", "predicted", "probability", "label_probability"]
    more = [f"in_top_{TOP}", "top_3", *({"variety"} & set(rows.columns))]
    table: pd.DataFrame = found.select(*columns, *more).toPandas()
    return table.sort_values("path", ignore_index=True)


def _indexed(train: DataFrame, classes: list[str], weights: dict[str, float]) -> DataFrame:
    indexer = StringIndexerModel.from_labels(classes, inputCol="label", outputCol="label_index")
    weight = _array([weights[c] for c in classes], "double")
    indexed = indexer.transform(train)
    return indexed.withColumn("weight", weight[F.col("label_index").cast("int")])


def _array(values: list[Any], kind: str) -> Column:
    """A constant array, parsed from JSON: Spark plans with hundreds of literals are slow."""
    return F.from_json(F.lit(json.dumps(values)), f"array<{kind}>")


def _class_of(name: str) -> Any:
    if name == "gradient_boosting":
        from xgboost.spark import SparkXGBClassifier  # takes half a second

        return SparkXGBClassifier
    return {"logistic_regression": LogisticRegression, "random_forest": RandomForestClassifier}[
        name
    ]


def _estimator(name: str, settings: Mapping[str, Any], seed: int) -> Any:
    columns = {"featuresCol": "vector", "labelCol": "label_index", "weightCol": "weight"}
    ours = {"family": "multinomial"} if name == "logistic_regression" else {"seed": seed}
    return _class_of(name)(**{**columns, **ours, **settings})


def _majority_class(
    train: DataFrame, classes: list[str], counts: Mapping[str, int]
) -> LogisticRegressionModel:
    shares = np.array([counts[c] for c in classes]) / sum(counts.values())
    n_features = train.first()["vector"].size  # type: ignore[index]
    nothing = np.zeros((len(classes), n_features))
    return linear_classifier(train.sparkSession, "majority_class", nothing, np.log(shares))


def _nearest_centroid(train: DataFrame, classes: list[str]) -> LogisticRegressionModel:
    """A linear model: |x - c|² is smallest where c·x - |c|²/2 is largest."""
    means = train.groupBy("label").agg(Summarizer.mean(F.col("vector")).alias("mean")).collect()
    mean_of = {row.label: row["mean"].toArray() for row in means}
    centroids = np.stack([mean_of[c] for c in classes])
    bias = -np.square(centroids).sum(axis=1) / 2
    return linear_classifier(train.sparkSession, "nearest_centroid", centroids, bias)
