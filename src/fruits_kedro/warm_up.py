"""What takes a second or two to start, begun while the driver waits for something else."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from fruits_kedro.spark_session import find_java, start_jvm

logger = logging.getLogger(__name__)


def start_java(settings: dict[str, Any]) -> threading.Thread:
    """Start Spark's JVM in the background.

    Args:
        settings: Spark's.

    Returns:
        The thread that waits for it; it raises nothing.
    """
    thread = threading.Thread(
        target=_launch, args=(settings,)
    )  # no daemon: it would leave a folder
    thread.start()
    return thread


def _launch(settings: dict[str, Any]) -> None:
    try:
        if (java_home := find_java()) is not None:
            start_jvm(settings, java_home)
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
