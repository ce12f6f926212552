"""What takes a second or two to start, begun while the driver waits for something else."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def import_plotly() -> threading.Thread:
    """Import what plotly's first figure would, in the background: all of IPython, if it is there.

    Returns:
        The thread that does; it raises nothing.
    """
    thread = _thread(importlib.import_module, "plotly.offline")
    thread.start()
    return thread


def start_workers(spark: SparkSession) -> threading.Thread:
    """Start a worker on each core, in the background.

    In local mode only: which executors a cluster will have is not known yet.

    Returns:
        The thread that waits for them; it raises nothing.
    """
    thread = _thread(_start, spark)
    if str(spark.sparkContext.master).startswith("local"):
        thread.start()
    return thread


def _start(spark: SparkSession) -> None:
    cores = spark.sparkContext.defaultParallelism
    spark.range(cores, numPartitions=cores).mapInArrow(lambda batches: batches, "id long").collect()


def _thread(work: Callable[[Any], object], argument: Any) -> threading.Thread:
    def run() -> None:
        try:
            work(argument)
        except Exception:  # the run itself will say what is wrong
            logger.debug("%s failed beforehand", work.__name__, exc_info=True)

    return threading.Thread(target=run, daemon=True)
