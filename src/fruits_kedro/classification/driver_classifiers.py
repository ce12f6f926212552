"""Classifiers of the driver: their probabilities, and the same as Spark ML's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import Model, PipelineModel
from pyspark.ml.feature import IndexToString
from pyspark.sql import SparkSession

from fruits_kedro.classification.boosting import spark_boosting
from fruits_kedro.classification.forest import to_spark_forest
from fruits_kedro.linalg import linear
from fruits_kedro.linalg.linear import Matrix
from fruits_kedro.spark.models import linear_classifier


@dataclass(frozen=True)
class Linear(linear.Linear):
    """See :class:`fruits_kedro.linalg.linear.Linear`."""

    classes: list[str]

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """The same classifier as Spark's, of ``vector``."""
        return linear_classifier(spark, "linear", self.weights, self.bias)


@dataclass(frozen=True)
class Forest:
    """A ``RandomForestClassifier`` of scikit-learn."""

    classes: list[str]
    forest: Any

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(rows, classes)``."""
        found: NDArray[np.float64] = self.forest.predict_proba(matrix)
        return found

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """See :class:`Linear`."""
        return to_spark_forest(self.forest, spark, scratch)


@dataclass(frozen=True)
class Boosting:
    """An ``XGBClassifier``."""

    classes: list[str]
    boosting: Any

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(rows, classes)``."""
        return np.asarray(self.boosting.predict_proba(matrix), np.float64)

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """See :class:`Linear`."""
        return spark_boosting(self.boosting)


# ``classes`` are the labels, in the order of the probabilities.
DriverClassifier = Linear | Forest | Boosting


def to_spark(classifier: DriverClassifier, spark: SparkSession, scratch: str) -> PipelineModel:
    """The same classifier as a pipeline of Spark ML, which predicts ``label`` from ``vector``.

    Args:
        scratch: URL of a folder that the workers see, and which may be deleted afterwards.
    """
    names = IndexToString(inputCol="prediction", outputCol="predicted", labels=classifier.classes)
    return PipelineModel([classifier.stage(spark, scratch), names])
