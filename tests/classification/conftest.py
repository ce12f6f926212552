"""Points around centres, as a Spark frame."""

from collections.abc import Callable

import numpy as np
import pytest
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession


class Blobs:
    """Normal points: ``matrix`` (n, d), ``labels`` (n), and the same as ``rows``."""

    def __init__(self, spark: SparkSession, counts: dict[str, int], d: int, spread: float) -> None:
        rng = np.random.default_rng(0)
        centres = {label: rng.normal(size=d) for label in sorted(counts)}
        self.labels = [label for label, n in counts.items() for _ in range(n)]
        noise = rng.normal(size=(len(self.labels), d)) * spread
        self.matrix = np.array([centres[label] for label in self.labels]) + noise
        self.paths = [f"Training/{label}/{i}.jpg" for i, label in enumerate(self.labels)]
        values = [
            (path, "Training", label, Vectors.dense(x))
            for path, label, x in zip(self.paths, self.labels, self.matrix)
        ]
        self.rows: DataFrame = spark.createDataFrame(values, ["path", "split", "label", "vector"])


@pytest.fixture
def blobs(spark: SparkSession) -> Callable[..., Blobs]:
    return lambda counts, d=6, spread=0.7: Blobs(spark, counts, d, spread)
