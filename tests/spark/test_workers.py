"""Workers that are there before they are needed, and that never break a run."""

import subprocess
import sys
from types import SimpleNamespace

from fruits_kedro.spark.session import start_workers


def test_workers_are_there_and_have_imported_what_an_extraction_needs():
    """In a process of its own: it has a daemon and workers of its own."""
    code = """
import sys
import psutil
import pyspark
import pyarrow as pa
import yaml
from fruits_kedro.spark.session import start_session, start_workers

def imported(batches):
    names = "pandas", "fruits_kedro.features.extract", "fruits_kedro.backbones.litert"
    there = all(name in sys.modules for name in names)
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"there": [there], "worker": [psutil.Process().pid]})

settings = yaml.safe_load(open("conf/base/spark.yml"))
spark = start_session({**settings, "spark.master": "local[2]"})
start_workers(spark).join()
daemon = "fruits_kedro.spark.worker_daemon"
processes = psutil.Process().children(recursive=True)
workers = {one.pid for one in processes if daemon in one.parent().cmdline()}
rows = spark.range(2, numPartitions=2).mapInArrow(imported, "there boolean, worker long").collect()
print([row.there for row in rows], {row.worker for row in rows} <= workers, len(workers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[True, True] True 2", done.stderr


def test_the_moments_need_no_machine_learning_of_sparks():
    code = "import sys, fruits_kedro.spark.moments; print('pyspark.ml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_a_cluster_is_left_alone():
    assert start_workers(SimpleNamespace(sparkContext=SimpleNamespace(master="yarn"))) is None


def test_a_failure_is_left_to_the_run(capfd):
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master="local[2]", defaultParallelism=2))
    start_workers(spark).join(timeout=10)
    assert capfd.readouterr().err == ""
