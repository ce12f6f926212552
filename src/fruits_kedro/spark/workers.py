"""Starts Python workers while the driver plans, which saves a second per run."""

from __future__ import annotations

import logging
import threading

from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def start_workers(spark: SparkSession) -> threading.Thread | None:
    """Start a worker on each core, in the background; local mode only.

    Returns:
        The thread that waits for them and raises nothing; None on a cluster, whose executors are
        not known yet.
    """
    if not str(spark.sparkContext.master).startswith("local"):
        return None
    thread = threading.Thread(target=_start, args=(spark,), daemon=True)
    thread.start()
    return thread


def _start(spark: SparkSession) -> None:
    cores = spark.sparkContext.defaultParallelism
    try:
        rows = spark.range(cores, numPartitions=cores)
        rows.mapInArrow(lambda batches: batches, "id long").collect()
    except Exception:  # the run itself reports it
        logger.debug("workers could not be started beforehand", exc_info=True)
