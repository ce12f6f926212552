"""Spark's log file, and filters of Python's log about Spark."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)


def log_file() -> Path:
    """The file with the warnings and errors of Spark's JVM in this process."""
    return Path(tempfile.gettempdir(), f"fruits-kedro-spark-{os.getpid()}.log")


def log_hint() -> str:
    """A line that names the log file, if there is one."""
    path = log_file()
    return f"\nSpark's own log: {path}" if path.is_file() and path.stat().st_size else ""


def is_not_py4j(record: logging.LogRecord) -> bool:
    """Whether a record is not Py4J's, which raises whatever it logs."""
    return record.module != "java_gateway"


def log_error_of_accumulators(request: object, client_address: object) -> None:
    """Log that PySpark's accumulators lost the JVM, instead of printing it: the run reports it."""
    logger.debug("The server of accumulators has failed", exc_info=True)
