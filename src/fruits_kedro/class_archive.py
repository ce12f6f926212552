"""AppCDS archives of Java's and Spark's classes: with them, Spark's JVM starts 2 seconds sooner.

    python -m fruits_kedro.class_archive

makes them once, in the Python environment; ``make setup`` does so. Without them, or with those of
another Java or other jars, a JVM loads its classes as usual. https://openjdk.org/jeps/350
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(sys.prefix) / "share" / "fruits-kedro"
_JAVA, _SPARK = "java.jsa", "spark.jsa"  # the second one builds upon the first


def archive_options() -> str:
    """Options of Java 17 to use the archives; empty where there are none."""
    archives = [FOLDER / _JAVA, FOLDER / _SPARK]
    if " " in str(FOLDER) or not all(map(Path.is_file, archives)):  # Spark parts options at spaces
        return ""
    used = os.pathsep.join(map(str, archives))
    return f"-XX:SharedArchiveFile={used} -Xlog:cds=off -Xlog:cds+dynamic=off"


def make_archives(java_home: Path) -> None:
    """Archive the classes that the pipeline loads when it runs over a few photos.

    Args:
        java_home: of a Java 17.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for archive in (_JAVA, _SPARK):  # a JVM that uses one makes no other
        (FOLDER / archive).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        java = [str(java_home / "bin" / "java"), "-Xshare:dump"]
        subprocess.run(
            [*java, f"-XX:SharedArchiveFile={folder / _JAVA}"], check=True, capture_output=True
        )
        os.environ["SPARK_SUBMIT_OPTS"] = (
            f"-XX:SharedArchiveFile={folder / _JAVA} -XX:ArchiveClassesAtExit={folder / _SPARK} "
            "-Xlog:disable"
        )
        _run_pipeline(folder)
        for archive in (_JAVA, _SPARK):
            os.replace(folder / archive, FOLDER / archive)


def _run_pipeline(folder: Path) -> None:
    """Run the pipeline, and wait until its JVM has ended."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project
    from pyspark import SparkContext

    from fruits_kedro.sample import write_sample

    sum(write_sample(folder / "photos", classes=2, images=8, seed=0, broken=1))
    bootstrap_project(Path.cwd())
    places = {"images": str(folder / "photos"), "store": str(folder / "store")}
    extraction = {"weights": "embedded", "max_failure_rate": 1.0}
    with KedroSession.create(runtime_params=places | {"extraction": extraction}) as session:
        session.run()
    gateway = SparkContext._gateway
    assert gateway is not None  # the run has started it
    gateway.proc.stdin.close()
    gateway.proc.wait(timeout=120)


if __name__ == "__main__":
    from fruits_kedro.spark_session import find_java, java_version

    found = find_java()
    if found is not None and java_version(found) == 17:
        make_archives(found)
