"""Features to principal components: fitted on Training, applied to all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.config.parameters import PcaParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.pca import check_n_components, fit_pca
from fruits_kedro.spark.contracts import check_vectors, usable
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments


def check_components(
    class_counts: pd.DataFrame, backbone_info: dict[str, Any], params: PcaParams
) -> int:
    """The most components that there are photos for; a run needs no features to tell.

    Raises:
        FruitsError: there are no Training photos, or fewer than ``pca.n_components``.
    """
    by_split = class_counts.groupby("split")["images"].sum()
    training = int(by_split.get("Training", 0))
    if not training:
        raise FruitsError(
            f"PCA is fitted on Training images, and there are none (splits: "
            f"{', '.join(by_split.index)}).\nChoose a subset with Training images."
        )
    check_n_components(params.n_components, training, backbone_info["n_features"])
    return min(training, backbone_info["n_features"])


def fit_pca_model(
    extracted_features: DataFrame, extraction_counts: pd.DataFrame, params: PcaParams
) -> tuple[PipelineModel, pd.DataFrame]:
    """An exact PCA of the Training rows.

    Returns:
        A Spark ML pipeline from the vector column ``features`` to ``pca_features``; and
        ``component, variance_explained, cumulative_variance`` (shares of the total variance).

    Raises:
        FruitsError: no or incomplete Training rows, too many components, or features of several
            backbones.
    """
    features = usable(extracted_features)
    check_one_backbone({row[0] for row in features.select("fingerprint").distinct().collect()})
    training = features.where("split = 'Training'")
    try:
        moments = distributed_moments(training.select("features"))
    except Exception:
        check_vectors(training, "features", _length(training))
        raise
    by_split = extraction_counts.set_index("split")["features"]
    expected = int(by_split.get("Training", 0))
    received = 0 if moments is None else moments.count
    if received != expected:
        raise FruitsError(
            f"The PCA was given {received:,} of {expected:,} Training rows: what Spark collected "
            "is not whole, or extraction_counts are of other features.\nGive the driver more "
            "memory (spark.driver.memory in conf/base/spark.yml), or run the extraction again."
        )
    if moments is None:
        raise FruitsError("PCA is fitted on Training images, and none of them can be used.")
    pca = fit_pca(moments, params.n_components, params.standardize)
    model = to_spark_model(pca, features.sparkSession, "features", "pca_features")
    variance = pd.DataFrame(
        {
            "component": np.arange(1, len(pca.variance_explained) + 1),
            "variance_explained": pca.variance_explained,
            "cumulative_variance": np.cumsum(pca.variance_explained),
        }
    )
    return model, variance


def _length(features: DataFrame) -> int:
    """The length that most vectors have."""
    lengths = features.groupBy(F.size("features").alias("length")).count()
    return int(lengths.orderBy(F.desc("count")).first().length)  # type: ignore[union-attr]


def apply_pca(
    extracted_features: DataFrame, pca_model: PipelineModel, params: PcaParams
) -> tuple[DataFrame, dict[str, Any]]:
    """Scores of every usable row: ``path, split, label, pca_features`` (array<float>, length k).

    Returns:
        The scores; and the parameters, ``k``, ``variance_kept`` (a share).
    """
    vectors = usable(extracted_features).withColumn("features", array_to_vector(F.col("features")))
    scores = vector_to_array(F.col("pca_features"), "float32").alias("pca_features")
    shares = pca_model.stages[-1].explainedVariance.toArray()  # type: ignore[attr-defined]
    info = {"k": len(shares), "variance_kept": float(np.cumsum(shares)[-1])}
    rows = pca_model.transform(vectors).select("path", "split", "label", scores)
    return rows, params.model_dump() | info


def to_matrix(pca_features: DataFrame, pca_model: PipelineModel) -> DataFrame:
    """One column per component: ``path, split, label, pc_001 … pc_k``, ordered by path."""
    k = len(pca_model.stages[-1].explainedVariance)  # type: ignore[attr-defined]  # a PCAModel
    components = [f"pca_features[{i}] as pc_{i + 1:03d}" for i in range(k)]
    return pca_features.selectExpr("path", "split", "label", *components).orderBy("path")
