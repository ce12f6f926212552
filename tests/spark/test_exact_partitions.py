"""Each row is in the partition that it is meant for."""

import pytest
from pyspark.sql import functions as F

from fruits_kedro.spark.exact_partitions import partition_key


@pytest.mark.parametrize("partitions", [1, 2, 37])
def test_rows_are_in_their_partition(spark, partitions):
    rows = spark.range(3 * partitions).withColumn("wanted", F.col("id") % partitions)
    placed = rows.repartition(partitions, F.expr(partition_key(partitions, "wanted")))
    found = placed.withColumn("partition", F.spark_partition_id()).collect()
    assert len(found) == 3 * partitions
    assert all(row.partition == row.wanted for row in found)
