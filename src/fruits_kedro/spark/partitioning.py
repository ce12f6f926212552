"""Number of tasks, and which rows go to which."""

from __future__ import annotations

import math

from pyspark.sql import SparkSession

_IMAGES_A_TASK = 2048


def count_tasks(images: int, cores: int) -> int:
    """Number of equal tasks: waves over the cores, 2,048 photos per task at most.

    A lost executor loses only its running tasks.
    """
    return in_waves(math.ceil(images / _IMAGES_A_TASK), cores, images)


def in_waves(parts: int, cores: int, images: int) -> int:
    """The next multiple of the cores, but at most one part per photo."""
    return max(1, min(images, cores * max(1, math.ceil(parts / cores))))


def partition_key(spark: SparkSession, partitions: int, number: str) -> str:
    """SQL for a value that ``repartition(partitions, value)`` sends to a given partition.

    Spark sends a value to ``pmod(hash(value), partitions)``; the first integer that reaches each
    partition is used. ``repartitionByRange`` takes samples: file boundaries, and so the last bits
    of the PCA's sums, would depend on earlier runs.

    Args:
        number: SQL for the number of the partition, from 0.
    """
    tried, value = 32 * partitions, "cast(id as int)"
    while True:
        found: dict[int, int] = {}
        hashed = f"pmod(hash({value}), {partitions}) as partition"
        for row in spark.range(tried, numPartitions=1).selectExpr(value, hashed).collect():
            found.setdefault(row.partition, row.id)
        if len(found) == partitions:
            values = ",".join(str(found[i]) for i in range(partitions))
            return f"element_at(array({values}), cast({number} as int) + 1)"
        tried *= 2
