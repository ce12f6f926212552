"""The distributed PCA beside numpy, scikit-learn and Spark's own: exactness and seconds.

    python benchmarks/pca.py --images ../shared/data/fruits-360

extracts the features once, prints a table and writes it to benchmarks/results/pca.md.
"""

from __future__ import annotations

import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.feature import PCA as SparkPCA
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import DataFrame, SparkSession
from sklearn.decomposition import PCA
from whole_run import finished_store, write_results

from fruits_kedro.linalg.pca import fit_pca
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments
from fruits_kedro.spark.session import start_session

K = 50
FITS, SPARK_FITS = 20, 5
LARGE, LARGE_FITS = 50_000, 3
SETTINGS = {
    "spark.master": "local[*,4]",
    "spark.driver.memory": "4g",
    "spark.ui.enabled": False,
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.execution.arrow.pyspark.enabled": True,
}


def reference(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulative variance by numpy's SVD and scores by scikit-learn, both in float64."""
    variances = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False) ** 2
    scores = PCA(K, svd_solver="full").fit_transform(matrix)
    return np.cumsum(variances / variances.sum())[:K], scores


def our_fit(data: DataFrame, folder: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Cumulative variance, scores of the stored and loaded model in order of ``i``, seconds."""
    started = time.perf_counter()
    pca = fit_pca(distributed_moments(data.select("features")), K, standardize=False)
    seconds = time.perf_counter() - started
    model = to_spark_model(pca, data.sparkSession, "features", "scores")
    model.write().overwrite().save(folder)
    vectors = data.withColumn("features", array_to_vector("features"))
    loaded = PipelineModel.load(folder).transform(vectors)
    rows = loaded.select("i", vector_to_array("scores").alias("scores")).toPandas()
    return np.cumsum(pca.variance_explained), np.stack(rows.sort_values("i")["scores"]), seconds


def spark_fit(data: DataFrame) -> tuple[NDArray[np.float64], float]:
    """Cumulative variance of Spark's own PCA, seconds."""
    vectors = data.withColumn("features", array_to_vector("features")).cache()
    vectors.count()
    started = time.perf_counter()
    model = SparkPCA(k=K, inputCol="features", outputCol="scores").fit(vectors)
    seconds = time.perf_counter() - started
    vectors.unpersist()
    return np.cumsum(model.explainedVariance.toArray()), seconds


def enlarge(features: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Real features again and again, with noise of a tenth of their standard deviation."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (rows, features.shape[1])).astype(np.float32)
    return features[np.arange(rows) % len(features)] + noise * features.std(axis=0)


def measure(
    spark: SparkSession, features: NDArray[np.float32], rows: int, fits: int, spark_fits: int
) -> str:
    """One row of the table: fits, each of other rows or in other partitions."""
    errors, score_errors, seconds, theirs = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        expected = scores = None
        for fit in range(fits):
            rng = np.random.default_rng(fit)
            if rows < len(features) or expected is None:
                chosen = np.sort(rng.choice(len(features), rows, replace=False))
                matrix = features[chosen]
                expected, scores = reference(matrix.astype(np.float64))
                vectors = pa.FixedSizeListArray.from_arrays(matrix.ravel(), matrix.shape[1])
                rows_table = pa.table({"i": np.arange(rows), "features": vectors})
                pq.write_table(rows_table, f"{folder}/rows{fit}.parquet")
                stored = f"{folder}/rows{fit}.parquet"
            data = spark.read.parquet(stored).repartition(2 + fit % 5).cache()
            data.count()
            variance, ours, fit_seconds = our_fit(data, f"{folder}/model")
            errors.append(np.abs(variance - expected).max())
            score_errors.append(np.abs(np.abs(ours) - np.abs(scores)).max())
            seconds.append(fit_seconds)
            if fit < spark_fits:
                sparks, spark_seconds = spark_fit(data)
                theirs.append((np.abs(sparks - expected).max(), spark_seconds))
            data.unpersist()
    spark_error = max(error for error, _ in theirs)
    median_of_spark = float(np.median([s for _, s in theirs]))
    ours_seconds = float(np.median(seconds))
    return (
        f"| {rows:,} x {features.shape[1]} | {max(errors):.1e} | {max(score_errors):.1e} | "
        f"{ours_seconds:.2f} | {median_of_spark:.2f} | {median_of_spark / ours_seconds:.1f} | "
        f"{spark_error:.1e} |"
    )


def main() -> None:
    """Extract, measure, print, write."""
    with finished_store(__doc__) as store:
        table = pq.read_table(store / "04_feature/extracted_features", columns=["features"])
    column = table.column("features").drop_null().combine_chunks()
    features = column.flatten().to_numpy().reshape(len(column), -1)
    spark = start_session(SETTINGS)
    lines = [
        f"{FITS} fits of {K} components each ({SPARK_FITS} of Spark's own), of other rows or in "
        f"other partitions every time; of {LARGE:,} rows (real ones again and again, with noise) "
        f"{LARGE_FITS} and 1; {time.strftime('%Y-%m-%d')}.",
        "",
        "| rows x features | largest error of the cumulative variance (numpy, float64) | largest "
        "error of a score of the loaded model (scikit-learn) | seconds a fit | Spark's own `PCA`, "
        "seconds | ratio | error of Spark's own |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        measure(spark, features, min(300, len(features)), FITS, SPARK_FITS),
        measure(spark, features, len(features), FITS, SPARK_FITS),
        measure(spark, enlarge(features, LARGE), LARGE, LARGE_FITS, 1),
    ]
    write_results("pca", "PCA", lines)


if __name__ == "__main__":
    main()
