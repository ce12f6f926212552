"""What takes a second or two to start, begun while the driver waits for something else."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def start_jvm() -> threading.Thread:
    """Start Spark's JVM in the background, with the settings that are arranged for it.

    Returns:
        The thread that waits for it; it raises nothing.
    """
    thread = threading.Thread(target=_launch)  # no daemon: it leaves a folder if cut off
    thread.start()
    return thread


def _launch() -> None:
    try:
        SparkContext._ensure_initialized()
    except Exception:  # the run itself will say what is wrong
        logger.debug("The JVM was not started beforehand", exc_info=True)


def import_plotly() -> threading.Thread:
    """Import what plotly's first figure would, in the background: all of IPython, if it is there.

    Returns:
        The thread that does; it raises nothing.
    """
    thread = threading.Thread(target=_import, args=("plotly.offline",), daemon=True)
    thread.start()
    return thread


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception:  # who needs it will say what is wrong
        logger.debug("%s was not imported beforehand", module, exc_info=True)


def start_workers(spark: SparkSession) -> threading.Thread:
    """Start a worker on each core, in the background, with all that LiteRT and decoding import.

    In local mode only: which executors a cluster will have is not known yet.

    Returns:
        The thread that waits for them; it raises nothing.
    """
    thread = threading.Thread(target=_start, args=(spark,), daemon=True)
    if str(spark.sparkContext.master).startswith("local"):
        thread.start()
    return thread


def _start(spark: SparkSession) -> None:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import fruits_kedro.backbones.litert
        import fruits_kedro.extractor  # noqa: F401

        yield from batches

    try:
        cores = spark.sparkContext.defaultParallelism
        spark.range(cores, numPartitions=cores).mapInArrow(run, "id long").collect()
    except Exception:  # the run itself will say what is wrong
        logger.debug("The workers were not started beforehand", exc_info=True)
