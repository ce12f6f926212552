"""Spark's classes, parsed and checked once: its JVM starts in half the time from then on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from pathlib import Path

import pyspark

from fruits_kedro.cache import cache_folder

_SPARK = Path(pyspark.__file__).parent
# Where one of these says so, Spark's class path is another one.
_OTHER_CLASSES = (
    *("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_DIST_CLASSPATH"),
    *("HADOOP_CONF_DIR", "YARN_CONF_DIR"),
)
_SETTLED = 20  # seconds: a JVM writes its archive in one go


def archive_options(java_home: Path) -> str:
    """The options for Spark's JVM to use the archive of its classes, or to make it when it ends.

    The archive (application class-data sharing, https://openjdk.org/jeps/350) is of one Java and
    one Spark. A new one is checked before it is used: a JVM would crash over half a file.

    Args:
        java_home: of a Java 17.
    """
    made_of = f"{java_home.resolve()} {_SPARK} {pyspark.__version__}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    archive = cache_folder() / f"spark-{digest}.jsa"
    # To Spark a space parts two options.
    if " " in str(archive) or any(name in os.environ for name in _OTHER_CLASSES):
        return ""
    try:
        return _use_or_make(archive, archive.with_suffix(".new"), java_home / "bin" / "java")
    except OSError:  # a cache that cannot be written
        return ""


def _use_or_make(archive: Path, new: Path, java: Path) -> str:
    archive.parent.mkdir(parents=True, exist_ok=True)
    if not archive.exists() and new.exists():
        if time.time() - new.stat().st_mtime < _SETTLED:
            return ""  # another JVM is writing it
        if not _is_whole(new, java):
            new.unlink()
            return ""
        os.replace(new, archive)
    use = f"SharedArchiveFile={archive}" if archive.exists() else f"ArchiveClassesAtExit={new}"
    return f"-XX:{use} -Xlog:disable"  # what it says of the classes that it leaves out


def _is_whole(archive: Path, java: Path) -> bool:
    """Whether a JVM can use all of an archive: it compares the check sums."""
    checks = ["-Xshare:on", "-XX:+VerifySharedSpaces", f"-XX:ErrorFile={os.devnull}"]
    classes = f"{_SPARK / 'conf'}{os.pathsep}{_SPARK / 'jars' / '*'}"
    command = [str(java), *checks, f"-XX:SharedArchiveFile={archive}", "-cp", classes, "-version"]
    return subprocess.run(command, capture_output=True, cwd=archive.parent).returncode == 0
