"""Labelled photos with their vectors, as classifiers take them: on the driver, or in Spark."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.linalg.pca import Pca

PCA = "pca_features"
TOP = 3
BASELINES = ("majority_class", "nearest_centroid")

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Samples(Protocol):
    """Photos, each with a label and a vector: its features, or the PCA's scores.

    ``DriverSamples`` holds few photos in memory: scikit-learn and xgboost fit on the driver.
    ``SparkSamples`` holds any number: Spark ML and xgboost fit on the workers. What one of them
    fits, the same one predicts with.
    """

    def split(self, name: str) -> Self:
        """The photos of ``Training`` or ``Test``."""
        ...

    def count(self) -> int:
        """Number of photos."""
        ...

    def labels(self) -> list[str]:
        """The labels, in alphabetical order."""
        ...

    def fingerprint(self) -> str:
        """Of the backbone, whose features these are."""
        ...

    def draw(self, images: int) -> Self:
        """So many of the photos, or all, drawn by the seed."""
        ...

    def with_folds(self) -> Self:
        """The photos in folds, stratified by label: they take turns, in the order of ``draw``."""
        ...

    def fold(self, i: int) -> tuple[Self, Self]:
        """To train on and to try: the photos of the other folds, and those of fold ``i``."""
        ...

    def variety_folds(self) -> list[int]:
        """The folds of ``leave_one_variety_out``."""
        ...

    def leave_out(self, variety_fold: int) -> tuple[Self, Self]:
        """Training without the varieties of a fold, and these varieties of both splits.

        The labels are the fruits, and ``variety`` is what the label was. No photo is in both.
        """
        ...

    def fit_pca(self, like: Pca) -> Pca:
        """A PCA of these photos, of as many components as that one where they allow it."""
        ...

    def vectors(self, inputs: str, pca: Pca) -> AbstractContextManager[Self]:
        """The same photos with vectors of ``features`` or ``pca_features``, kept for the block."""
        ...

    def collect(self) -> tuple[pd.Series, NDArray[np.floating]]:
        """The paths, and the vectors of shape ``(photos, n)``."""
        ...

    def fit(self, model: str, settings: dict[str, Any], params: ClassificationParams) -> Any:
        """A classifier, fitted on the vectors.

        Args:
            model: a ``ModelName`` or one of ``BASELINES``.

        Raises:
            TooFewLabelsError: there are fewer than two labels.
        """
        ...

    def predict(self, classifier: Any) -> pd.DataFrame:
        """Predictions, ordered by path.

        Returns:
            ``path, split, label, predicted, probability`` (of that label), ``label_probability``
            (of the true label; 0 if the classifier does not know it), ``in_top_3, top_3`` (the most
            probable labels), and ``variety`` where the photos have it.
        """
        ...

    def distance_quantile(self, nearest_centroid: Any, share: float) -> float:
        """The distance to the nearest centroid within which this share of the photos lies."""
        ...

    def map(
        self, what: str, function: Callable[[_Item], _Result], items: Collection[_Item]
    ) -> list[_Result]:
        """The results of a function that fits or predicts, for each item in order.

        Args:
            what: the work, in words, for the progress bar.
        """
        ...
