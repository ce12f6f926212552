"""The log file of a run, and filters of Python's log about Spark."""

from __future__ import annotations

import logging
import os
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

# Of Spark 4, which raises whatever it logs there.
LOGGERS_OF_RAISED = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


def log_file() -> Path:
    """The log file of this process: warnings of Spark's JVM, and the trace of a failure."""
    return Path(tempfile.gettempdir(), f"fruits-kedro-{os.getpid()}.log")


def log_trace(error: BaseException) -> None:
    """Add the trace of an error to the log file; a disk without room for it is no other error."""
    with suppress(OSError), log_file().open("a") as file:
        traceback.print_exception(error, file=file)


def log_hint() -> str:
    """A line that names the log file, if there is one."""
    path = log_file()
    return (
        f"\nTraces and Spark's warnings: {path}" if path.is_file() and path.stat().st_size else ""
    )


def is_not_py4j(record: logging.LogRecord) -> bool:
    """Whether a record is not Py4J's, which raises whatever it logs."""
    return record.module != "java_gateway"


def log_error_of_accumulators(request: object, client_address: object) -> None:
    """Log that PySpark's accumulators lost the JVM, instead of printing it: the run reports it."""
    logger.debug("The server of accumulators has failed", exc_info=True)
