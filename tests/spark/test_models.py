"""The distributed PCA and its stored Spark model, against one process."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fruits_kedro.linalg.pca import fit_pca
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments


@pytest.fixture(scope="module")
def matrix():
    rng = np.random.default_rng(3)
    return (rng.normal(size=(2500, 40)) @ rng.normal(size=(40, 40)) + 2).astype(np.float32)


def frame(spark, matrix):
    return spark.createDataFrame([(row.tolist(),) for row in matrix], "features array<float>")


@pytest.mark.parametrize("partitions", [1, 3, 40])
def test_moments_do_not_depend_on_the_partitions(spark, matrix, partitions):
    moments = distributed_moments(frame(spark, matrix).repartition(partitions))
    exact = matrix.astype(np.float64)
    assert moments.count == 2500
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.scatter, np.cov(exact.T) * 2499, rtol=1e-10)


def test_an_empty_frame_has_no_moments(spark):
    assert distributed_moments(spark.createDataFrame([], "features array<float>")) is None


@pytest.mark.parametrize("standardize", [False, True])
def test_the_stored_model_gives_scikit_learns_scores(spark, matrix, standardize, tmp_path):
    data = frame(spark, matrix)
    pca = fit_pca(distributed_moments(data), 7, standardize)
    to_spark_model(pca, spark, "features", "pca_features").write().overwrite().save(f"{tmp_path}/m")
    model = PipelineModel.load(f"{tmp_path}/m")
    vectors = data.withColumn("features", array_to_vector("features"))
    rows = model.transform(vectors).select(vector_to_array("pca_features")).collect()
    ours = np.array([row[0] for row in rows])
    reference = make_pipeline(StandardScaler(with_std=standardize), PCA(7, svd_solver="full"))
    theirs = reference.fit_transform(matrix.astype(np.float64))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=0, atol=1e-6)
    stored = model.stages[1].explainedVariance.toArray()
    np.testing.assert_allclose(stored, reference[-1].explained_variance_ratio_, atol=1e-9)


def test_variances_of_fewer_real_rows_than_dimensions(spark, shared):
    golden = pq.read_table(shared / "golden" / "mobilenetv2_imagenet_features.parquet")
    real = np.array(golden.column("features").to_pylist(), np.float32)
    pca = fit_pca(distributed_moments(frame(spark, real).repartition(4)), 50, False)
    exact = real.astype(np.float64) - real.astype(np.float64).mean(axis=0)
    variances = np.linalg.svd(exact, compute_uv=False) ** 2
    expected = np.cumsum(variances / variances.sum())[:50]
    np.testing.assert_allclose(np.cumsum(pca.variance_explained), expected, rtol=0, atol=1e-9)
