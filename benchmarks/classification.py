"""How long each classifier takes on the driver and on Spark's workers, and what it is worth.

    python benchmarks/classification.py --images /photos

runs the pipeline over the photos (or takes what lies in --store), fits each classifier on a
quarter, a half and all of Training's PCA scores, prints a table and writes it to
benchmarks/results/classification.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from whole_run import PROJECT, Memory, finished_store, usable_cores, write_results

from fruits_kedro.classification.driver_samples import DriverSamples
from fruits_kedro.classification.metrics import score
from fruits_kedro.classification.protocols import PCA
from fruits_kedro.classification.spark_samples import SparkSamples
from fruits_kedro.classification.training import Candidate, candidates
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.hooks.spark import with_full_compiler
from fruits_kedro.linalg.pca import Pca
from fruits_kedro.spark.models import from_spark_model
from fruits_kedro.spark.session import start_session

SHARES = (0.25, 0.5, 1.0)
NAMES = ("logistic_regression", "random_forest", "gradient_boosting")


def settings() -> tuple[ClassificationParams, dict[str, str]]:
    """The project's own: of the classifiers, and of Spark where they are trained."""
    conf = PROJECT / "conf/base"
    params = yaml.safe_load((conf / "parameters_classification.yml").read_text())
    spark = yaml.safe_load((conf / "spark.yml").read_text())
    return ClassificationParams(**params["classification"]), with_full_compiler(spark)


def labelled(spark: SparkSession, store: Path) -> DataFrame:
    """The labelled photos that can be used."""
    frame = spark.read.parquet(str(store / "04_feature/extracted_features"))
    usable = frame.where("error is null and label is not null")
    more = [F.lit("").alias("fruit"), F.lit(-1).alias("variety_fold")]
    return usable.select("path", "split", "label", "features", "fingerprint", *more)


@contextmanager
def vectors(
    kind: str, rows: DataFrame, pca: Pca, params: ClassificationParams
) -> Iterator[tuple[Any, Any]]:
    """Training and Test of some photos, on the driver or in Spark, computed and kept."""
    every: Any = (
        DriverSamples.of_frame(rows, params) if kind == "driver" else SparkSamples(rows, params)
    )
    splits = [every.split(name).vectors(PCA, pca) for name in ("Training", "Test")]
    with splits[0] as training, splits[1] as test:
        training.labels(), test.labels()
        yield training, test


def measure(
    kind: str, candidate: Candidate, rows: DataFrame, pca: Pca, params: ClassificationParams
) -> str:
    """One line: seconds to fit each share, the peak memory, and what it is worth on Test."""
    seconds = []
    with Memory() as memory:
        for share in SHARES:
            drawn = F.pmod(F.xxhash64("path"), F.lit(1000)) < 1000 * share
            with vectors(kind, rows.where(drawn | (F.col("split") == "Test")), pca, params) as both:
                training, test = both
                started = time.perf_counter()
                [model] = training.map(
                    "Fitting",
                    lambda one, some=training: some.fit(one.model, one.settings),
                    [candidate],
                )
                seconds.append(time.perf_counter() - started)
                figures = score(test.predict(model)) if share == 1 else {}
    took = " | ".join(f"{one:.1f}" for one in seconds)
    worth = f"{figures['accuracy']:.4f} | {figures['f1_macro']:.4f}"
    return f"| {candidate.model} | {kind} | {took} | {memory.peaks['together']:,.0f} | {worth} |"


def main() -> None:
    """Measure, print, write."""
    params, spark_settings = settings()
    with finished_store(__doc__) as store:
        spark = start_session(spark_settings)
        rows = labelled(spark, store)
        pca = from_spark_model(PipelineModel.load(str(store / "06_models/pca_model")))
        n = rows.where("split = 'Training'").count()
        chosen = {c.model: c for c in candidates(params) if c.inputs == PCA}
        lines = [
            measure(kind, chosen[name], rows, pca, params)
            for name in NAMES
            for kind in ("driver", "spark")
        ]
    counts = " | ".join(f"{n * share:,.0f} rows, s" for share in SHARES)
    table = [
        f"{n:,} Training photos, {pca.n_components} PCA scores each, {usable_cores()} cores, "
        f"{time.strftime('%Y-%m-%d')}. On the driver, scikit-learn and xgboost fit with one core; "
        "in Spark, Spark ML and xgboost with all of them. Memory is that of Python, JVM and "
        "workers together.",
        "",
        f"| classifier | on | {counts} | peak, MB | accuracy on Test | macro-F1 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]
    write_results("classification", "Classification", table)


if __name__ == "__main__":
    main()
