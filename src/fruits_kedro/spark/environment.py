"""The process's environment, such that Spark runs in it whatever else was set up there."""

from __future__ import annotations

import locale
import logging
import os
import pwd
import resource
import sys
from pathlib import Path

from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)

# Of another Spark, or of a cluster that this run is not for.
_NOT_LOCAL = ("SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "YARN_CONF_DIR")
_OPEN_FILES = 512  # jars, shuffle files and sockets of a JVM; 256 are too few


def prepare_local() -> None:
    """Let Spark on this machine alone be the project's own, with this Python.

    A log line says which variables of the shell are left aside.
    """
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # under spark-submit the JVM is there already
        return
    aside = [name for name in _NOT_LOCAL if os.environ.pop(name, None)]
    python = os.environ.get("PYSPARK_PYTHON", sys.executable)
    if Path(python).resolve() != Path(sys.executable).resolve():
        aside.append("PYSPARK_PYTHON")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    if aside:
        logger.info("Spark works on this machine alone, without %s of the shell", ", ".join(aside))
    # A laptop's own name often does not resolve (a VPN, no network).
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")


def prepare_locale() -> None:
    """Let Java write any file name: without a UTF-8 locale it puts ? in the place of letters."""
    if sys.platform == "linux" and locale.nl_langinfo(locale.CODESET).upper() != "UTF-8":
        os.environ["LC_ALL"] = "C.UTF-8"


def check_machine() -> None:
    """Raise this process's limit of open files to what Spark needs.

    Raises:
        FruitsError: the system does not allow so many, or this user has no name.
    """
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise FruitsError(
            f"The user {os.getuid()} has no name on this machine, and Hadoop, in Spark, needs one."
            "\nAdd it to /etc/passwd, or start the container as a user that is there."
        ) from None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _OPEN_FILES:
        raise FruitsError(
            f"This shell allows {hard} open files, and Spark needs {_OPEN_FILES}.\n"
            "Raise the limit (ulimit -Hn, /etc/security/limits.conf, docker run --ulimit nofile)."
        )
    if soft != resource.RLIM_INFINITY and soft < _OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, hard))
