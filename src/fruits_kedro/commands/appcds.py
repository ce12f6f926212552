"""Makes the AppCDS archives of Java's and Spark's classes, in the Python environment."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from fruits_kedro.commands.sample import write_sample
from fruits_kedro.spark.appcds import FOLDER, JAVA, SPARK
from fruits_kedro.spark.java import find_java, java_version


def make_archives(java_home: Path) -> None:
    """Archive the classes that a run over a few photos loads; ``java_home`` is a Java 17."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for archive in (JAVA, SPARK):  # a JVM that uses an archive cannot dump one
        (FOLDER / archive).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        java = [str(java_home / "bin" / "java"), "-Xshare:dump"]
        subprocess.run(
            [*java, f"-XX:SharedArchiveFile={folder / JAVA}"], check=True, capture_output=True
        )
        os.environ["SPARK_SUBMIT_OPTS"] = (
            f"-XX:SharedArchiveFile={folder / JAVA} -XX:ArchiveClassesAtExit={folder / SPARK} "
            "-Xlog:disable"
        )
        _run_pipeline(folder)
        for archive in (JAVA, SPARK):
            os.replace(folder / archive, FOLDER / archive)


def _run_pipeline(folder: Path) -> None:
    """Run the pipeline and wait for the end of its JVM, which dumps the archive."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project
    from pyspark import SparkContext

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
    found = find_java()
    if found is not None and java_version(found) == 17:
        make_archives(found)
