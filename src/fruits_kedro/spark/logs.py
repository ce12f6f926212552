"""Where Spark logs to, and what Python logs of Spark."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)


def log_file() -> Path:
    """The file with the warnings and errors of the Spark that this process starts."""
    return Path(tempfile.gettempdir(), f"fruits-kedro-spark-{os.getpid()}.log")


def log_hint() -> str:
    """A line that names the log, where there is one."""
    path = log_file()
    return f"\nSpark's own log: {path}" if path.is_file() and path.stat().st_size else ""


def is_not_py4j(record: logging.LogRecord) -> bool:
    """Whether a record at the root is of anyone but Py4J, which raises what it logs there."""
    return record.module != "java_gateway"


def log_error_of_accumulators(request: object, client_address: object) -> None:
    """Log, not print, how PySpark's accumulators lost the JVM: the run itself says it in a line."""
    logger.debug("The server of accumulators has failed", exc_info=True)
