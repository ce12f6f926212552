"""How many tasks there are, and which rows go to which."""

from __future__ import annotations

import math

from pyspark.sql import SparkSession

_IMAGES_A_TASK = 2048


def count_tasks(images: int, cores: int) -> int:
    """The number of tasks of equal size, of 2,048 photos each at most.

    A lost executor loses only what its tasks were at.
    """
    return in_waves(math.ceil(images / _IMAGES_A_TASK), cores, images)


def in_waves(parts: int, cores: int, images: int) -> int:
    """The next number of parts that is a multiple of the cores; no part is empty."""
    return max(1, min(images, cores * max(1, math.ceil(parts / cores))))


def partition_key(spark: SparkSession, partitions: int, number: str) -> str:
    """SQL for a value that ``repartition(partitions, value)`` sends to the partition of a number.

    Spark sends a value to ``pmod(hash(value), partitions)``: for each partition, the first integer
    that goes there is taken. ``repartitionByRange`` samples: who has extracted what, and when,
    would then decide where a file ends, and so the last bits of the PCA's sums.

    Args:
        spark: the session.
        partitions: how many there are.
        number: SQL for the number of the partition wanted, from 0.
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
