"""Workers that are there before they are needed, and that never break a run."""

import sys
from types import SimpleNamespace

import pyarrow as pa

from fruits_kedro.warm_up import start_workers


def test_the_workers_have_imported_what_an_extraction_needs(spark):
    start_workers(spark).join(timeout=120)

    def imported(batches):
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"there": ["fruits_kedro.extractor" in sys.modules]})

    cores = spark.sparkContext.defaultParallelism
    rows = spark.range(cores, numPartitions=cores).mapInArrow(imported, "there boolean").collect()
    assert [row.there for row in rows] == [True] * cores


def test_a_cluster_is_left_alone():
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master="yarn"))
    assert start_workers(spark).ident is None


def test_a_failure_is_left_to_the_run(capfd):
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master="local[2]"))
    start_workers(spark).join(timeout=10)
    assert capfd.readouterr().err == ""
