"""The Spark edge of the PCA: moments of a distributed column, and a genuine Spark ML model."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import PCAModel, StandardScalerModel
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.linalg.moments import Moments
from fruits_kedro.linalg.pca import Pca

_SCHEMA = "count long, mean binary, scatter binary"
_ROWS = 512  # 5 MB of float64
_MAX_PARTS = 16  # of 13 MB each, for 1280 features


def distributed_moments(vectors: DataFrame) -> Moments | None:
    """Moments of the one column of a frame (array<float>), or None for an empty frame.

    Each partition sums its own in float64. Where there are many, workers merge them in groups
    first, so that the driver receives a few matrices however many partitions there are.
    """
    parts = vectors.mapInArrow(_moments_of_rows, _SCHEMA)
    n_partitions = vectors.rdd.getNumPartitions()
    if n_partitions > _MAX_PARTS:
        groups = parts.repartition(math.isqrt(n_partitions))
        parts = groups.mapInArrow(_moments_of_parts, _SCHEMA)
    return functools.reduce(_add, itertools.starmap(_from_buffers, parts.collect()), None)


def _moments_of_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from _to_batches(_sum_rows(batches))


def _sum_rows(batches: Iterable[pa.RecordBatch]) -> Moments | None:
    total: Moments | None = None
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            rows = batch.column(0).slice(start, _ROWS)
            matrix = rows.flatten().to_numpy(zero_copy_only=False).reshape(len(rows), -1)
            total = total or Moments.none(matrix.shape[1])
            lengths = rows.value_lengths().to_numpy(zero_copy_only=False)
            if (lengths != matrix.shape[1]).any() or not np.isfinite(matrix).all():
                raise ValueError("features of different lengths, or not finite")
            total.add_rows(matrix)
    return total


def _moments_of_parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = (row.values() for batch in batches for row in batch.to_pylist())
    yield from _to_batches(functools.reduce(_add, itertools.starmap(_from_buffers, rows), None))


def _to_batches(moments: Moments | None) -> Iterator[pa.RecordBatch]:
    if moments is not None:
        columns = [pa.array([moments.count]), _binary(moments.mean), _binary(moments.scatter)]
        yield pa.RecordBatch.from_arrays(columns, ["count", "mean", "scatter"])


def _binary(array: NDArray[np.float64]) -> pa.Array:
    offsets = pa.py_buffer(np.array([0, array.nbytes], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(array)])  # no copy


def _from_buffers(count: int, mean: bytes, scatter: bytes) -> Moments:
    size = len(mean) // 8
    values = np.frombuffer(scatter).reshape(size, size)
    return Moments(count, np.frombuffer(mean).copy(), values.copy())  # writable ones


def _add(left: Moments | None, right: Moments) -> Moments:
    if left is None:
        return right
    left.add(right)
    return left


def to_spark_model(pca: Pca, spark: SparkSession, input_col: str, output_col: str) -> PipelineModel:
    """Store a PCA as a Spark ML ``PipelineModel``: a scaler that centres, then the PCA.

    ``PCAModel.transform`` alone does not centre. Both columns are Spark ML vectors.
    """
    sc = spark.sparkContext
    feature = sc._jvm.org.apache.spark.ml.feature  # type: ignore[union-attr]
    # Folders of stored stages have these names: those of two models must not meet in one place.
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
    scaler.set(scaler.withStd(), bool((pca.scale != 1).any()))
    scaler.setInputCol(input_col).setOutputCol(centred)
    n_features, k = pca.components.shape
    loadings = DenseMatrix(n_features, k, np.asfortranarray(pca.components).ravel(order="F"))
    model = feature.PCAModel(
        f"pca_{suffix}", _py2java(sc, loadings), _py2java(sc, DenseVector(pca.variance_explained))
    )
    model.set(model.k(), k)
    model.setInputCol(centred).setOutputCol(output_col)
    return PipelineModel([StandardScalerModel(scaler), PCAModel(model)])
