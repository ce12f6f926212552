"""Workers that are there before they are needed, and that never break a run."""

import importlib
import subprocess
import sys
from types import SimpleNamespace

from fruits_kedro.spark.warm_up import import_plotly, start_workers


def test_a_figure_finds_plotly_imported():
    code = """
import sys
from plotly import express as px
from fruits_kedro.spark.warm_up import import_plotly

import_plotly().join()
before = set(sys.modules)
px.bar(x=[1], y=[1])
print({name.partition(".")[0] for name in set(sys.modules) - before} & {"IPython", "nbformat"})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "set()\n", done.stderr


def test_workers_are_there_and_have_imported_what_an_extraction_needs():
    """In a process of its own: it has a daemon and workers of its own."""
    code = """
import importlib
import sys
import zipimport
import psutil
import pyspark
import pyarrow as pa
import yaml
from fruits_kedro.spark.session import start_session
from fruits_kedro.spark.warm_up import start_workers

def imported(batches):
    names = "pandas", "fruits_kedro.features.extract", "fruits_kedro.backbones.litert"
    there = all(name in sys.modules for name in names) and ".zip" not in pyspark.__file__
    zips = dict(zipimport._zip_directory_cache)
    importlib.invalidate_caches()
    there &= bool(zips) and all(zipimport._zip_directory_cache[name] is zips[name] for name in zips)
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"there": [there], "worker": [psutil.Process().pid]})

settings = yaml.safe_load(open("conf/base/spark.yml"))
spark = start_session({**settings, "spark.master": "local[2]"})
start_workers(spark).join()
processes = psutil.Process().children(recursive=True)
workers = {one.pid for one in processes if one.parent().cmdline()[-1].endswith("worker_daemon")}
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
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master="yarn"))
    assert start_workers(spark).ident is None


def test_a_failure_is_left_to_the_run(capfd, monkeypatch):
    monkeypatch.setattr(importlib, "import_module", lambda name: 1 / 0)
    import_plotly().join(timeout=10)
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master="local[2]"))
    start_workers(spark).join(timeout=10)
    assert capfd.readouterr().err == ""
