"""Photos that look like nothing that was trained on: far from every class."""

from __future__ import annotations

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def distances(nearest_centroid: PipelineModel, rows: DataFrame) -> DataFrame:
    """Add ``distance``: Euclidean, from ``vector`` to the nearest centroid of a class.

    The model's largest score is c·x - |c|²/2, and the square of the distance |x|² less twice that.
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
    """The distance that this share of the Training photos keep within."""
    found = distances(nearest_centroid, training).agg(F.percentile("distance", F.lit(share)))
    return float(found.first()[0])  # type: ignore[index]
