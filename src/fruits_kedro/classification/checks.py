"""What has to hold before a classifier is trained."""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.ml.stat import Summarizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)


class TooFewLabelsError(FruitsError):
    """Fewer than two labels: a classifier has nothing to tell apart."""

    def __init__(self, labels: Collection[str]) -> None:
        super().__init__(
            "A classifier tells two labels or more apart, and the usable Training photos have "
            f"{': '.join([str(len(labels)), *labels])}.\nGive photos of more labels, or another "
            "subset."
        )


def check_labels(photos: pd.DataFrame) -> None:
    """Raise FruitsError unless Training has two labels and Test has a labelled photo.

    Args:
        photos: ``split, label``.
    """
    labelled = photos.dropna(subset="label")
    labels = labelled.loc[labelled["split"] == "Training", "label"].unique()
    if len(labels) < 2:
        raise TooFewLabelsError(sorted(labels))
    if not (labelled["split"] == "Test").any():
        raise FruitsError(
            "A classifier is tried on Test, and no labelled photo of Test can be used.\nLay photos "
            "aside in a folder Test/<label>/, beside Training/<label>/, or choose another subset."
        )
    if unlabelled := len(photos) - len(labelled):
        logger.warning("%d photos have no label: they are left out", unlabelled)


def check_pca(features: DataFrame, pca_model: PipelineModel) -> None:
    """Raise FruitsError unless the PCA was fitted on the Training rows of these features."""
    training = features.where("split = 'Training'")
    mean = training.select(Summarizer.mean(array_to_vector(F.col("features")))).first()
    found = mean[0].toArray()  # type: ignore[index]
    fitted = pca_model.stages[0].mean.toArray()  # type: ignore[attr-defined]
    if len(found) != len(fitted) or not np.allclose(found, fitted, rtol=1e-6, atol=1e-9):
        raise FruitsError(
            "The stored PCA is of other features than those that are stored.\nRun 'kedro run' "
            "(or 'kedro run --pipelines reduction') with the same --params first."
        )
