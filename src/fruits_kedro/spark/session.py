"""Spark's settings, its Java, and its session."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from fruits_kedro.config.spark_conf import setting_text
from fruits_kedro.errors import FruitsError
from fruits_kedro.spark.appcds import archive_options
from fruits_kedro.spark.environment import check_machine, prepare_local, prepare_locale
from fruits_kedro.spark.java import find_java, java_version, missing_java
from fruits_kedro.spark.logs import (
    LOGGERS_OF_RAISED,
    is_not_py4j,
    log_error_of_accumulators,
    log_file,
)

logger = logging.getLogger(__name__)

_LOG4J = Path(__file__).with_name("log4j2.properties")


def prepare_session(settings: dict[str, Any], keys: Mapping[str, str | None] | None = None) -> None:
    """Prepare the settings that the first use of Spark in this process gets.

    No JVM starts here: ``kedro viz`` and ``kedro catalog`` need none. Under ``spark-submit`` a JVM
    already runs with its own settings, to which :func:`start_session` adds.

    Args:
        keys: environment variables of the JVM that open a bucket; None unsets one. Keys are never
            among the settings, which process lists, user interfaces and logs may show.
    """
    for name, value in (keys or {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    options = dict(settings)
    java_home = find_java()
    java_options = [
        f"-Dlog4j2.configurationFile={_LOG4J.as_uri()} -Dfruits.log={log_file()}",
        options.get("spark.driver.extraJavaOptions", ""),
        archive_options() if java_home and java_version(java_home) == 17 else "",
    ]
    options["spark.driver.extraJavaOptions"] = " ".join(filter(None, java_options))
    arguments = [
        x for key, value in options.items() for x in ("--conf", f"{key}={setting_text(value)}")
    ]
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join([*arguments, "pyspark-shell"])
    if str(settings.get("spark.master", "")).startswith("local"):
        prepare_local()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    prepare_locale()
    if java_home is not None:
        os.environ["JAVA_HOME"] = str(java_home)


def start_session(settings: dict[str, Any]) -> SparkSession:
    """The running Spark session, started if necessary; FruitsError if there is no Java for it."""
    java_home = find_java()
    if "PYSPARK_GATEWAY_PORT" not in os.environ and java_home is None:
        raise FruitsError(missing_java())
    prepare_session(settings)
    check_machine()
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, setting_text(value))
    logging.getLogger().addFilter(is_not_py4j)
    for name in LOGGERS_OF_RAISED:
        logging.getLogger(name).disabled = True
    spark = builder.getOrCreate()
    server: Any = spark.sparkContext._accumulatorServer
    server.handle_error = log_error_of_accumulators
    return spark


def start_workers(spark: SparkSession) -> threading.Thread | None:
    """Start a worker on each core while the driver plans, which saves a second; local mode only.

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


def jvm_exit_status() -> int | None:
    """Exit status of the JVM that this process started; None while it runs or if there is none."""
    process = getattr(SparkContext._gateway, "proc", None)
    return None if process is None else process.poll()
