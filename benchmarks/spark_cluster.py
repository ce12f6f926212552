"""A standalone Spark cluster on this machine: a master and workers, each a process of its own.

    python benchmarks/spark_cluster.py --images ../shared/data/fruits-360

runs the same ``kedro run`` there and in local mode, compares the features bit for bit, and writes
benchmarks/results/spark_cluster.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark
from whole_run import PROJECT, features, kedro_run, write_results

from fruits_kedro.spark.java import find_java

_JARS = Path(pyspark.__file__).parent / "jars"
_MAIN = "org.apache.spark.deploy."


@dataclass
class SparkCluster:
    """A master and workers of one core each, with the Spark that comes with pyspark."""

    folder: Path
    workers: int = 2
    address: str = ""
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self) -> None:
        """Start them, and wait until all workers are known."""
        port = _free_port()
        self.address = f"spark://127.0.0.1:{port}"
        web = ["--webui-port", "0"]
        self._start("master", ["master.Master", "--host", "127.0.0.1", "--port", str(port), *web])
        self._wait_for("master", "I have been elected leader", 1)
        for i in range(self.workers):
            work = ["--work-dir", str(self.folder / f"work-{i}"), "--host", "127.0.0.1"]
            size = ["--cores", "1", "--memory", "2g"]
            self._start(f"worker-{i}", ["worker.Worker", *work, *size, *web, self.address])
        self._wait_for("master", "Registering worker", self.workers)

    def stop(self) -> None:
        """Stop them, and what they have started."""
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=30)

    def configuration(self) -> Path:
        """The project's conf with this cluster's address in ``standalone/spark.yml``: no more."""
        conf = Path(shutil.copytree(PROJECT / "conf", self.folder / "conf", dirs_exist_ok=True))
        file = conf / "standalone" / "spark.yml"
        file.write_text(re.sub(r"spark://\S+", self.address, file.read_text()))
        return conf

    def broadcasts(self) -> list[dict[str, int]]:
        """How often each executor of the last run has read each broadcast of several pieces."""
        found = []
        for log in sorted(self.folder.glob("work-*/app-*/*/stderr")):
            reads = re.findall(
                r"Started reading broadcast variable (\d+) with (\d+) pieces", log.read_text()
            )
            found.append(Counter(name for name, pieces in reads if int(pieces) > 1))
        return [dict(executor) for executor in found]

    def _start(self, name: str, arguments: list[str]) -> None:
        java = find_java()
        command = [str(java / "bin" / "java") if java else "java", "-cp", f"{_JARS}/*"]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "-Xmx256m", f"{_MAIN}{arguments[0]}", *arguments[1:]],
                env={**os.environ, "SPARK_HOME": str(_JARS.parent), "SPARK_SCALA_VERSION": "2.12"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)

    def _wait_for(self, name: str, text: str, times: int) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if (self.folder / f"{name}.log").read_text().count(text) >= times:
                return
            time.sleep(0.2)
        raise RuntimeError(f"no {text!r} in the log of {name}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(folder: Path, workers: int = 2) -> Iterator[SparkCluster]:
    """A cluster that is stopped at the end."""
    cluster = SparkCluster(folder, workers)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def main() -> None:
    """Run twice, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of photos")
    root = Path(parser.parse_args().images).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        local = kedro_run(folder / "local", images=root).info
        with running(folder) as cluster:
            settings = ("--env", "standalone")
            conf = cluster.configuration()
            spread = kedro_run(folder / "spread", *settings, conf=conf, images=root).info
            broadcasts = cluster.broadcasts()
        same = features(folder / "local") == features(folder / "spread")
    rows = {"local mode": local, "master and 2 workers of a core each": spread}
    lines = [
        f"{local['counts']['images']:,} photos, {local['backbone']['fingerprint']}, "
        f"{time.strftime('%Y-%m-%d')}.",
        "",
        "| | extraction, images/s | whole run, s |",
        "| --- | ---: | ---: |",
        *(
            f"| {what} | {info['stages']['extraction']['images_per_s']:,.1f} | "
            f"{info['total_seconds']:,.1f} |"
            for what, info in rows.items()
        ),
        "",
        f"The features are {'the same, bit for bit' if same else 'NOT the same'}.",
        "Broadcasts of more than 4 MB, and how often each executor has read them: "
        + "; ".join(", ".join(f"no. {k}: {n} x" for k, n in one.items()) for one in broadcasts)
        + ".",
    ]
    write_results("spark_cluster", "A Spark cluster on one machine", lines)


if __name__ == "__main__":
    main()
