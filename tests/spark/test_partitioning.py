"""Rows go to the partition that is asked for."""

import pytest

from fruits_kedro.spark.partitioning import partition_key


@pytest.mark.parametrize("partitions", [1, 2, 7, 97])
def test_each_row_is_in_the_partition_of_its_number(spark, partitions):
    rows = spark.range(3 * partitions).selectExpr(f"id % {partitions} as number")
    key = partition_key(spark, partitions, "number")
    placed = rows.selectExpr("number", f"{key} as key").repartition(partitions, "key")
    found = placed.selectExpr("number", "spark_partition_id() as partition").collect()
    assert len(found) == 3 * partitions and all(row.number == row.partition for row in found)
