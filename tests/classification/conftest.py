"""Points around centres as labelled samples, on the driver and in Spark."""

from collections.abc import Callable

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.classification.driver_samples import DriverSamples
from fruits_kedro.classification.spark_samples import Samples, SparkSamples, to_vectors
from fruits_kedro.config.classification import ClassificationParams

SCHEMA = "path string, split string, label string, features array<float>"


class Blobs:
    """Normal points: ``matrix`` (n, d), ``labels`` (n), and the same as ``rows``."""

    def __init__(self, spark: SparkSession, counts: dict[str, int], d: int, spread: float) -> None:
        rng = np.random.default_rng(0)
        centres = {label: rng.normal(size=d) for label in sorted(counts)}
        self.labels = [label for label, n in counts.items() for _ in range(n)]
        noise = rng.normal(size=(len(self.labels), d)) * spread
        self.matrix = np.float32([centres[label] for label in self.labels] + noise)
        self.paths = [f"Training/{label}/{i}.jpg" for i, label in enumerate(self.labels)]
        values = [
            (path, "Training", label, x.tolist())
            for path, label, x in zip(self.paths, self.labels, self.matrix)
        ]
        self.rows: DataFrame = spark.createDataFrame(values, SCHEMA)

    def samples(self, kind: str, params: ClassificationParams) -> Samples:
        """With their features as vectors."""
        if kind == "driver":
            return DriverSamples.of_frame(self.rows, params)
        return SparkSamples(to_vectors(self.rows, "features", None), params)


@pytest.fixture
def blobs(spark: SparkSession) -> Callable[..., Blobs]:
    return lambda counts, d=6, spread=0.7: Blobs(spark, counts, d, spread)
