"""Out-of-distribution photos: those far from every class."""

from __future__ import annotations

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def distances(nearest_centroid: PipelineModel, rows: DataFrame) -> DataFrame:
    """Add ``distance``: Euclidean, from ``vector`` to the nearest class centroid.

    The model's largest score s is c·x - |c|²/2, so the squared distance is |x|² - 2 s.
    """
    linear = nearest_centroid.stages[0]
    scored = linear.transform(rows)
    square = F.aggregate(
        vector_to_array(F.col("vector")), F.lit(0.0), lambda total, x: total + x * x
    )
    best = F.array_max(vector_to_array(F.col("rawPrediction")))
    distance = F.sqrt(F.greatest(square - 2 * best, F.lit(0.0)))
    return scored.withColumn("distance", distance).drop(
        "rawPrediction", "probability", "prediction"
    )


def distance_threshold(nearest_centroid: PipelineModel, training: DataFrame, share: float) -> float:
    """The distance within which this share of the Training photos lies."""
    found = distances(nearest_centroid, training).agg(F.percentile("distance", F.lit(share)))
    return float(found.first()[0])  # type: ignore[index]
