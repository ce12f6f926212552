"""Any number of photos, as a frame of Spark."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from fruits_kedro.classification.driver_samples import DriverSamples
from fruits_kedro.classification.leaks import without_photos_of
from fruits_kedro.classification.protocols import NEVER, PCA
from fruits_kedro.classification.spark_classifiers import collect, distances, fit_classifier
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.linalg.pca import Pca, fit_pca
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments
from fruits_kedro.spark.progress import tracked


@dataclass(frozen=True)
class SparkSamples:
    """Labelled photos in a frame; Spark ML and xgboost fit on the workers.

    What the methods give is what those of :class:`DriverSamples` give.

    Attributes:
        rows: ``path, split, label, features, fingerprint, fruit, variety_fold``; ``vector`` in
            the place of the features where a classifier is fitted.
        params: its folds and seed.
    """

    rows: DataFrame
    params: ClassificationParams

    def split(self, name: str) -> Self:
        """See :class:`DriverSamples`."""
        return self._with(self.rows.where(F.col("split") == name))

    def labels(self) -> list[str]:
        """See :class:`DriverSamples`."""
        return sorted(row.label for row in self.rows.select("label").distinct().collect())

    def fingerprint(self) -> str:
        """See :class:`DriverSamples`."""
        return str(self.rows.first()["fingerprint"])  # type: ignore[index]

    def draw(self, images: int) -> Self:
        """See :class:`DriverSamples`."""
        return self._with(self.rows.orderBy(self._drawn, "path").limit(images))

    def with_folds(self) -> Self:
        """See :class:`DriverSamples`."""
        drawn = Window.partitionBy("label").orderBy(self._drawn, "path")
        turn = F.row_number().over(drawn) + F.abs(F.hash("label"))
        return self._with(self.rows.withColumn("fold", F.pmod(turn, F.lit(self.params.folds))))

    def fold(self, i: int) -> tuple[Self, Self]:
        """See :class:`DriverSamples`."""
        tried = F.col("fold") == i
        return self._with(self.rows.where(~tried)), self._with(self.rows.where(tried))

    def variety_folds(self) -> list[int]:
        """See :class:`DriverSamples`."""
        found = {row[0] for row in self.rows.select("variety_fold").distinct().collect()}
        return sorted(found - {NEVER})

    def leave_out(self, variety_fold: int) -> tuple[Self, Self]:
        """See :class:`DriverSamples`."""
        rows = self.rows.withColumnRenamed("label", "variety").withColumnRenamed("fruit", "label")
        others = (F.col("split") == "Training") & (F.col("variety_fold") != variety_fold)
        unseen = rows.where(F.col("variety_fold") == variety_fold)
        return self._with(without_photos_of(rows.where(others), unseen)), self._with(unseen)

    def fit_pca(self, like: Pca) -> Pca:
        """See :class:`DriverSamples`."""
        moments = distributed_moments(self.rows.select("features"))
        assert moments is not None
        return fit_pca(moments, min(like.n_components, moments.count), like.standardized)

    @contextmanager
    def vectors(self, inputs: str, pca: Pca) -> Iterator[Self]:
        """See :class:`DriverSamples`."""
        model = to_spark_model(pca, self.rows.sparkSession, "features", PCA)
        with persisted(to_vectors(self.rows, inputs, model)) as kept:
            yield self._with(kept)

    def fit(self, model: str, settings: dict[str, Any]) -> Any:
        """See :class:`DriverSamples`."""
        given = self.params.class_weights, self.params.seed
        return fit_classifier(model, settings, self.rows, *given)

    def predict(self, classifier: Any) -> pd.DataFrame:
        """See :class:`DriverSamples`."""
        return collect(classifier, self.rows)

    def distance_quantile(self, nearest_centroid: PipelineModel, share: float) -> float:
        """See :class:`DriverSamples`."""
        found = distances(nearest_centroid, self.rows).agg(F.percentile("distance", F.lit(share)))
        return float(found.first()[0])  # type: ignore[index]

    def map(self, what: str, function: Callable[[Any], Any], items: Collection[Any]) -> list[Any]:
        """See :class:`DriverSamples`. One after the other: each takes the whole cluster."""
        return list(tracked(what, map(function, items), len(items)))

    @property
    def _drawn(self) -> Any:
        return F.xxhash64("path", F.lit(self.params.seed))

    def _with(self, rows: DataFrame) -> Self:
        return type(self)(rows, self.params)


# What one of them fits, the same one predicts with.
Samples = DriverSamples | SparkSamples


def to_vectors(samples: DataFrame, inputs: str, pca_model: PipelineModel) -> DataFrame:
    """The samples with a Spark ML ``vector``: their features, or the PCA's scores."""
    vectors = samples.withColumn("features", array_to_vector(F.col("features")))
    if inputs == PCA:
        vectors = pca_model.transform(vectors).drop("features", "features_centred")
    return vectors.withColumnRenamed(inputs, "vector")


@contextmanager
def persisted(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that are computed once and kept until the block ends."""
    rows.persist()
    try:
        yield rows
    finally:
        rows.unpersist()
