"""Classifiers of the driver: their probabilities, and the same as Spark ML's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import Model, PipelineModel
from pyspark.ml.feature import IndexToString
from pyspark.sql import SparkSession

from fruits_kedro.classification.boosting import spark_boosting
from fruits_kedro.classification.forest import to_spark_forest
from fruits_kedro.spark.models import linear_classifier

Matrix = NDArray[np.floating]


class DriverClassifier(Protocol):
    """A fitted classifier."""

    @property
    def classes(self) -> list[str]:
        """The labels, in the order of the probabilities."""
        ...

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape ``(rows, classes)``."""
        ...

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """The same classifier as Spark's, of ``vector``."""
        ...


@dataclass(frozen=True)
class Linear:
    """Probabilities are the softmax of ``weights · x + bias``.

    Attributes:
        weights: ``(classes, features)``.
        bias: ``(classes,)``.
    """

    classes: list[str]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def scores(self, matrix: Matrix) -> NDArray[np.float64]:
        """``weights · x + bias``, shape ``(rows, classes)``."""
        found: NDArray[np.float64] = matrix @ self.weights.T + self.bias
        return found

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """See :class:`DriverClassifier`."""
        scores = self.scores(matrix)
        exp = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = exp / exp.sum(axis=1, keepdims=True)
        return found

    def distances(self, matrix: Matrix) -> NDArray[np.float64]:
        """Euclidean, from each row to the nearest centroid, where this is the nearest centroid.

        The largest score s is c·x - |c|²/2, so the squared distance is |x|² - 2 s.
        """
        square = np.square(matrix.astype(np.float64)).sum(axis=1) - 2 * self.scores(matrix).max(
            axis=1
        )
        return np.sqrt(np.maximum(square, 0))

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """See :class:`DriverClassifier`."""
        return linear_classifier(spark, "linear", self.weights, self.bias)


@dataclass(frozen=True)
class Forest:
    """A ``RandomForestClassifier`` of scikit-learn."""

    classes: list[str]
    forest: Any

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """See :class:`DriverClassifier`."""
        found: NDArray[np.float64] = self.forest.predict_proba(matrix)
        return found

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """See :class:`DriverClassifier`."""
        return to_spark_forest(self.forest, spark, scratch)


@dataclass(frozen=True)
class Boosting:
    """An ``XGBClassifier``."""

    classes: list[str]
    boosting: Any

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """See :class:`DriverClassifier`."""
        return np.asarray(self.boosting.predict_proba(matrix), np.float64)

    def stage(self, spark: SparkSession, scratch: str) -> Model:
        """See :class:`DriverClassifier`."""
        return spark_boosting(self.boosting)


def to_spark(classifier: DriverClassifier, spark: SparkSession, scratch: str) -> PipelineModel:
    """The same classifier as a pipeline of Spark ML, which predicts ``label`` from ``vector``.

    Args:
        scratch: URL of a folder that the workers see, and which may be deleted afterwards.
    """
    names = IndexToString(inputCol="prediction", outputCol="predicted", labels=classifier.classes)
    return PipelineModel([classifier.stage(spark, scratch), names])
