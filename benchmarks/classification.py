"""How long each classifier takes, how that grows, and how far it is from scikit-learn's.

    python benchmarks/classification.py --images /photos

runs the pipeline over the photos (or takes what lies in --store), fits each classifier on a
quarter, a half and all of Training's PCA scores, prints a table and writes it to
benchmarks/results/classification.md.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import yaml
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from whole_run import PROJECT, Memory, finished_store, usable_cores, write_results

from fruits_kedro.classification.metrics import score
from fruits_kedro.classification.samples import PCA, to_vectors
from fruits_kedro.classification.training import Candidate, candidates, collect, fit
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.hooks.spark import with_full_compiler
from fruits_kedro.spark.session import start_session

SHARES = (0.25, 0.5, 1.0)
NAMES = ("logistic_regression", "random_forest", "gradient_boosting")


def settings() -> tuple[ClassificationParams, dict[str, str]]:
    """The project's own: of the classifiers, and of Spark where they are trained."""
    conf = PROJECT / "conf/base"
    params = yaml.safe_load((conf / "parameters_classification.yml").read_text())
    spark = yaml.safe_load((conf / "spark.yml").read_text())
    return ClassificationParams(**params["classification"]), with_full_compiler(spark)


def rows_of(spark: SparkSession, store: Path, split: str) -> DataFrame:
    """The PCA scores of a split as vectors."""
    columns = ["path", "split", "label", "features"]
    frame = spark.read.parquet(str(store / "04_feature/extracted_features"))
    usable = frame.where("error is null and label is not null").where(F.col("split") == split)
    model = PipelineModel.load(str(store / "06_models/pca_model"))
    return to_vectors(usable.select(*columns), PCA, model).persist()


def matrix(rows: DataFrame) -> tuple[np.ndarray, list[str]]:
    """The same for scikit-learn."""
    found = rows.select("vector", "label").collect()
    return np.stack([row.vector.toArray() for row in found]), [row.label for row in found]


def sklearn_accuracy(train: DataFrame, test: DataFrame, penalty: float) -> tuple[float, float]:
    """Seconds and accuracy of scikit-learn's, with the same penalty on the same scale."""
    (x, y), (x_test, y_test) = matrix(train), matrix(test)
    scale = StandardScaler(with_mean=False).fit(x)
    started = time.perf_counter()
    model = LogisticRegression(C=1 / (penalty * len(x)), class_weight="balanced", max_iter=1000)
    model.fit(scale.transform(x), y)
    seconds = time.perf_counter() - started
    return seconds, float(model.score(scale.transform(x_test), y_test))


def measure(
    candidate: Candidate, train: DataFrame, test: DataFrame, params: ClassificationParams
) -> str:
    """One line: seconds to fit each share, the peak memory, and what it is worth on Test."""
    seconds = []
    with Memory() as memory:
        for share in SHARES:
            rows = train.where(F.pmod(F.xxhash64("path"), F.lit(1000)) < 1000 * share).persist()
            rows.count()
            started = time.perf_counter()
            model = fit(candidate, rows, params)
            seconds.append(time.perf_counter() - started)
            rows.unpersist()
    found = score(collect(model, test))
    took = " | ".join(f"{one:.1f}" for one in seconds)
    worth = f"{found['accuracy']:.4f} | {found['f1_macro']:.4f}"
    return f"| {candidate.model} | {took} | {memory.peaks['together']:,.0f} | {worth} |"


def main() -> None:
    """Measure, print, write."""
    params, spark_settings = settings()
    with finished_store(__doc__) as store:
        spark = start_session(spark_settings)
        train, test = rows_of(spark, store, "Training"), rows_of(spark, store, "Test")
        n, k = train.count(), train.first()["vector"].size
        chosen = {c.model: c for c in candidates(params) if c.inputs == PCA}
        lines = [measure(chosen[name], train, test, params) for name in NAMES]
        penalty = chosen[NAMES[0]].settings["regParam"]
        seconds, accuracy = sklearn_accuracy(train, test, penalty)
    counts = " | ".join(f"{n * share:,.0f} rows, s" for share in SHARES)
    table = [
        f"{n:,} Training photos, {k} PCA scores each, {usable_cores()} cores, "
        f"{time.strftime('%Y-%m-%d')}. Memory is that of Python, JVM and workers together.",
        "",
        f"| classifier | {counts} | peak, MB | accuracy on Test | macro-F1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
        "",
        f"scikit-learn's LogisticRegression on the same matrix, with the same penalty ({penalty}) "
        f"and class weights: accuracy {accuracy:.4f} in {seconds:.1f} s.",
    ]
    write_results("classification", "Classification", table)


if __name__ == "__main__":
    main()
