"""The Spark edge of the PCA: moments of a distributed column, and a genuine Spark ML model."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.ml import PipelineModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import PCAModel, StandardScalerModel
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.linalg.moments import Moments
from fruits_kedro.linalg.pca import Pca

_ROWS = 1024  # 10 MB of float64
_MAX_PARTS = 16  # of 13 MB each, for 1280 features


def distributed_moments(vectors: DataFrame) -> Moments | None:
    """Moments of the one column of a frame (array<float>), or None for an empty frame.

    Each partition sums its own in float64. Where there are many, workers merge them in groups
    first, so that the driver receives a few matrices however many partitions there are.
    """
    parts = vectors.mapInArrow(_moments_of_rows, "moments binary")
    n_partitions = vectors.rdd.getNumPartitions()
    if n_partitions > _MAX_PARTS:
        groups = parts.repartition(math.isqrt(n_partitions))
        parts = groups.mapInArrow(_moments_of_parts, "moments binary")
    return functools.reduce(_merge, (Moments.from_bytes(row[0]) for row in parts.collect()), None)


def _moments_of_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    total: Moments | None = None
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            rows = batch.column(0).slice(start, _ROWS)
            matrix = rows.flatten().to_numpy(zero_copy_only=False).reshape(len(rows), -1)
            total = _merge(total, Moments.of(matrix))
    yield from _to_batches(total)


def _moments_of_parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    parts = (Moments.from_bytes(part.as_py()) for batch in batches for part in batch.column(0))
    yield from _to_batches(functools.reduce(_merge, parts, None))


def _to_batches(moments: Moments | None) -> Iterator[pa.RecordBatch]:
    if moments is not None:
        yield pa.RecordBatch.from_pydict({"moments": [moments.to_bytes()]})


def _merge(left: Moments | None, right: Moments | None) -> Moments | None:
    if left is None or right is None:
        return right if left is None else left
    return left.merge(right)


def to_spark_model(pca: Pca, spark: SparkSession, input_col: str, output_col: str) -> PipelineModel:
    """Store a PCA as a Spark ML ``PipelineModel``: a scaler that centres, then the PCA.

    ``PCAModel.transform`` alone does not centre. Both columns are Spark ML vectors.
    """
    sc = spark.sparkContext
    feature = sc._jvm.org.apache.spark.ml.feature  # type: ignore[union-attr]
    scaler = feature.StandardScalerModel(
        "standardScaler", _py2java(sc, DenseVector(pca.scale)), _py2java(sc, DenseVector(pca.mean))
    )
    centred = f"{input_col}_centred"
    scaler.set(scaler.withMean(), True)
    scaler.set(scaler.withStd(), bool((pca.scale != 1).any()))
    scaler.setInputCol(input_col).setOutputCol(centred)
    n_features, k = pca.components.shape
    loadings = DenseMatrix(n_features, k, np.asfortranarray(pca.components).ravel(order="F"))
    model = feature.PCAModel(
        "pca", _py2java(sc, loadings), _py2java(sc, DenseVector(pca.variance_explained))
    )
    model.set(model.k(), k)
    model.setInputCol(centred).setOutputCol(output_col)
    return PipelineModel([StandardScalerModel(scaler), PCAModel(model)])
