"""Genuine Spark ML models from given numbers, for which PySpark has no public way."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import PCAModel, StandardScalerModel
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import SparkSession

from fruits_kedro.linalg.pca import Pca


def to_spark_model(pca: Pca, spark: SparkSession, input_col: str, output_col: str) -> PipelineModel:
    """A PCA as a Spark ML ``PipelineModel``: a scaler that centres, then the PCA.

    ``PCAModel.transform`` alone does not centre. Input and output are Spark ML vectors.
    """
    sc = spark.sparkContext
    feature = sc._jvm.org.apache.spark.ml.feature  # type: ignore[union-attr]
    # Stored stages have these names as folders; those of two models must differ.
    digest = hashlib.sha256(
        b"".join(map(np.ndarray.tobytes, (pca.mean, pca.scale, pca.components)))
    )
    suffix = digest.hexdigest()[:12]
    scaler = feature.StandardScalerModel(
        f"standardScaler_{suffix}",
        _py2java(sc, DenseVector(pca.scale)),
        _py2java(sc, DenseVector(pca.mean)),
    )
    centred = f"{input_col}_centred"
    scaler.set(scaler.withMean(), True)
    scaler.set(scaler.withStd(), pca.standardized)
    scaler.setInputCol(input_col).setOutputCol(centred)
    n_features, k = pca.components.shape
    loadings = DenseMatrix(n_features, k, np.asfortranarray(pca.components).ravel(order="F"))
    model = feature.PCAModel(
        f"pca_{suffix}", _py2java(sc, loadings), _py2java(sc, DenseVector(pca.variance_explained))
    )
    model.set(model.k(), k)
    model.setInputCol(centred).setOutputCol(output_col)
    return PipelineModel([StandardScalerModel(scaler), PCAModel(model)])


def from_spark_model(model: PipelineModel) -> Pca:
    """The PCA of :func:`to_spark_model`."""
    scaler, pca = model.stages
    scale, mean = scaler.std.toArray(), scaler.mean.toArray()  # type: ignore[attr-defined]
    components, shares = pca.pc.toArray(), pca.explainedVariance.toArray()  # type: ignore[attr-defined]
    return Pca(mean, scale if scaler.getWithStd() else np.ones_like(scale), components, shares)  # type: ignore[attr-defined]


def linear_classifier(
    spark: SparkSession, name: str, weights: NDArray[np.float64], bias: NDArray[np.float64]
) -> LogisticRegressionModel:
    """A classifier with given coefficients. Its probabilities are a softmax, not an estimate.

    Args:
        weights: ``(classes, features)``.
        bias: ``(classes,)``.
    """
    sc = spark.sparkContext
    java = sc._jvm.org.apache.spark.ml.classification  # type: ignore[union-attr]
    rows, columns = weights.shape
    model = java.LogisticRegressionModel(
        name,
        _py2java(sc, DenseMatrix(rows, columns, weights.ravel(order="F"))),
        _py2java(sc, DenseVector(bias)),
        rows,
        True,
    )
    model.setFeaturesCol("vector")
    return LogisticRegressionModel(model)
