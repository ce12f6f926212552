"""Few photos, in the memory of the driver."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from fruits_kedro.classification.driver_classifiers import DriverClassifier, Linear
from fruits_kedro.classification.driver_fits import fit_on_driver
from fruits_kedro.classification.leaks import feature_hash
from fruits_kedro.classification.protocols import NEVER, PCA, TOP
from fruits_kedro.classification.spark_classifiers import collect
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.linalg.moments import Moments
from fruits_kedro.linalg.pca import Pca, fit_pca
from fruits_kedro.spark.progress import tracked


@dataclass(frozen=True)
class DriverSamples:
    """Labelled photos with their vectors, in memory: scikit-learn and xgboost fit on the driver.

    Attributes:
        photos: ``path, split, label, fruit, variety_fold, fingerprint, photo`` (a hash of the
            features), ``drawn`` (by the seed), ``turn`` (that of the label's first photo); ordered
            by path.
        matrix: ``(photos, n)``: their vectors.
        params: its folds and seed.
        threads: that fit beside one another.
    """

    photos: pd.DataFrame
    matrix: NDArray[np.floating]
    params: ClassificationParams
    threads: int

    @classmethod
    def of_frame(cls, rows: DataFrame, params: ClassificationParams) -> Self:
        """The photos of a frame with ``features``, collected."""
        import joblib

        drawn = F.xxhash64("path", F.lit(params.seed)).alias("drawn")
        turn = F.abs(F.hash(F.col("label"))).alias("turn")
        columns = rows.select("*", feature_hash().alias("photo"), drawn, turn)
        collected: pd.DataFrame = columns.toPandas()
        photos = collected.sort_values("path", ignore_index=True)
        matrix = np.stack(photos.pop("features"))
        cores = min(joblib.cpu_count(), rows.sparkSession.sparkContext.defaultParallelism)
        return cls(photos, matrix, params, cores)

    def split(self, name: str) -> Self:
        """The photos of ``Training`` or ``Test``."""
        return self._where(self.photos["split"] == name)

    def labels(self) -> list[str]:
        """The labels, in alphabetical order."""
        return sorted(self.photos["label"].unique())

    def fingerprint(self) -> str:
        """Of the backbone, whose features these are."""
        return str(self.photos["fingerprint"].iloc[0])

    def draw(self, images: int) -> Self:
        """So many of the photos, or all, drawn by the seed."""
        first = self.photos.sort_values(["drawn", "path"]).index[:images]
        return self._where(self.photos.index.isin(first))

    def with_folds(self) -> Self:
        """The photos in folds, stratified by label: they take turns, in the order of ``draw``."""
        turns = self.photos.sort_values(["drawn", "path"]).groupby("label").cumcount() + 1
        fold = (turns + self.photos["turn"]) % self.params.folds
        return replace(self, photos=self.photos.assign(fold=fold))

    def fold(self, i: int) -> tuple[Self, Self]:
        """To train on and to try: the photos of the other folds, and those of fold ``i``."""
        tried = self.photos["fold"] == i
        return self._where(~tried), self._where(tried)

    def variety_folds(self) -> list[int]:
        """The folds of ``leave_one_variety_out``."""
        return sorted(set(self.photos["variety_fold"]) - {NEVER})

    def leave_out(self, variety_fold: int) -> tuple[Self, Self]:
        """Training without the varieties of a fold, and these varieties of both splits.

        The labels are the fruits, and ``variety`` is what the label was. No photo is in both.
        """
        photos = self.photos.rename(columns={"label": "variety", "fruit": "label"})
        renamed = replace(self, photos=photos)
        tried = photos["variety_fold"] == variety_fold
        shared = photos["photo"].isin(photos["photo"][tried])
        return renamed._where((photos["split"] == "Training") & ~shared), renamed._where(tried)

    def fit_pca(self, like: Pca) -> Pca:
        """A PCA of these photos, of as many components as that one where they allow it."""
        moments = Moments.none(self.matrix.shape[1])
        for start in range(0, len(self.matrix), 1024):
            moments.add_rows(self.matrix[start : start + 1024])
        return fit_pca(moments, min(like.n_components, moments.count), like.standardized)

    @contextmanager
    def vectors(self, inputs: str, pca: Pca) -> Iterator[Self]:
        """The same photos with vectors of ``features`` or ``pca_features``, kept for the block."""
        yield replace(self, matrix=pca.transform(self.matrix)) if inputs == PCA else self

    def fit(self, model: str, settings: dict[str, Any]) -> Any:
        """A classifier, fitted on the vectors.

        Args:
            model: a ``ModelName`` or one of ``BASELINES``.

        Raises:
            TooFewLabelsError: there are fewer than two labels.
        """
        given = self.params.class_weights, self.params.seed
        return fit_on_driver(model, settings, self.matrix, self.photos["label"], *given)

    def predict(self, classifier: DriverClassifier | PipelineModel) -> pd.DataFrame:
        """Predictions, ordered by path.

        Returns:
            ``path, split, label, predicted, probability`` (of that label), ``label_probability``
            (of the true label; 0 if the classifier does not know it), ``in_top_3, top_3`` (the most
            probable labels), and ``variety`` where the photos have it.

        A pipeline is one that was stored, and Spark predicts with it.
        """
        if isinstance(classifier, PipelineModel):
            return collect(classifier, self._to_frame())
        classes = np.array(classifier.classes, dtype=object)
        p = classifier.probabilities(self.matrix)
        top = np.argsort(-p, axis=1, kind="stable")[:, :TOP]
        rows = np.arange(len(p))
        known = pd.Index(classes).get_indexer(self.photos["label"])
        columns = ["path", "split", "label", *({"variety"} & set(self.photos))]
        return self.photos[columns].assign(
            predicted=classes[top[:, 0]],
            probability=p[rows, top[:, 0]],
            label_probability=np.where(known >= 0, p[rows, known], 0.0),
            in_top_3=(top == known[:, None]).any(axis=1),
            top_3=list(classes[top]),
        )

    def distance_quantile(self, nearest_centroid: Linear, share: float) -> float:
        """The distance to the nearest centroid within which this share of the photos lies."""
        return float(np.quantile(nearest_centroid.distances(self.matrix), share))

    def map(self, what: str, function: Callable[[Any], Any], items: Collection[Any]) -> list[Any]:
        """The results of a function that fits or predicts, for each item in order.

        Args:
            what: the work, in words, for the progress bar.

        Each thread fits one: sums do not depend on their number.
        """
        from joblib import Parallel, delayed
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        beside = Parallel(n_jobs=self.threads, prefer="threads", return_as="generator")
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # maxIter says how far to go
            results = beside(delayed(function)(item) for item in items)
            return list(tracked(what, results, len(items)))

    def _where(self, rows: Any) -> Self:
        mask = np.asarray(rows)
        photos = self.photos[mask].reset_index(drop=True)
        return replace(self, photos=photos, matrix=self.matrix[mask])

    def _to_frame(self) -> DataFrame:
        columns = ["path", "split", "label", *({"variety"} & set(self.photos))]
        table = self.photos[columns].assign(vector=list(self.matrix.astype(float)))
        rows = SparkSession.builder.getOrCreate().createDataFrame(table)
        return rows.withColumn("vector", array_to_vector(F.col("vector")))
