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
_LEAST = 100_000_000  # bytes: 159 MB after a run, 30 where Spark never started in the JVM


def archive_options(java_home: Path) -> str:
    """The options for Spark's JVM to use the archive of its classes, or to make it when it ends.

    The archive (application class-data sharing, https://openjdk.org/jeps/350) is of one Java and
    one Spark. A new one counts once :func:`accept_archive` has looked at it.

    Args:
        java_home: of a Java 17.
    """
    archive = _archive(java_home)
    new = archive.with_suffix(".new")
    # To Spark a space parts two options.
    if " " in str(archive) or any(name in os.environ for name in _OTHER_CLASSES):
        return ""
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    if not archive.exists() and new.exists():
        return ""
    use = f"SharedArchiveFile={archive}" if archive.exists() else f"ArchiveClassesAtExit={new}"
    return f"-XX:{use} -Xlog:disable"  # what it says of the classes that it leaves out


def accept_archive(java_home: Path) -> None:
    """Check an archive that an earlier JVM has made: over half a file a JVM would crash, and one
    of a JVM in which Spark never started would not help."""
    archive = _archive(java_home)
    new = archive.with_suffix(".new")
    try:
        found = new.stat()
        if time.time() - found.st_mtime < _SETTLED:
            return  # its JVM may still be writing it
        if found.st_size >= _LEAST and _is_whole(new, java_home / "bin" / "java"):
            os.replace(new, archive)
        else:
            new.unlink()
    except OSError:  # there is none
        return


def _archive(java_home: Path) -> Path:
    made_of = f"{java_home.resolve()} {_SPARK} {pyspark.__version__}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    return cache_folder() / f"spark-{digest}.jsa"


def _is_whole(archive: Path, java: Path) -> bool:
    """Whether a JVM can use all of an archive: it compares the check sums."""
    checks = ["-Xshare:on", "-XX:+VerifySharedSpaces", f"-XX:ErrorFile={os.devnull}"]
    classes = f"{_SPARK / 'conf'}{os.pathsep}{_SPARK / 'jars' / '*'}"
    command = [str(java), *checks, f"-XX:SharedArchiveFile={archive}", "-cp", classes, "-version"]
    return subprocess.run(command, capture_output=True, cwd=archive.parent).returncode == 0
