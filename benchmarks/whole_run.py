"""A whole ``kedro run`` in a process of its own: its ``model_info``, its seconds and its memory."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq

PROJECT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class WholeRun:
    """What was measured.

    Attributes:
        info: ``model_info``; empty where the run makes none.
        seconds: of the process, from its start to its end.
        memory: largest resident set, in MB, of the ``driver`` (Python), its ``JVM`` and any
            ``worker`` (Python), and of all of them ``together``.
    """

    info: dict
    seconds: float
    memory: dict[str, float]


class Memory(threading.Thread):
    """Five times a second, while a block runs, the resident sets of a process and those below it.

    Attributes:
        peaks: of each kind of process the largest one, and of all of them ``together``, in MB.
    """

    def __init__(self, pid: int | None = None) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peaks = {"driver": 0.0, "JVM": 0.0, "worker": 0.0, "together": 0.0}
        self.done = threading.Event()

    def __enter__(self) -> Memory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join()

    def run(self) -> None:
        """Look."""
        while not self.done.wait(0.2):
            together = 0.0
            try:
                processes = [self.process, *self.process.children(recursive=True)]
            except psutil.Error:  # it has ended
                continue
            for one in processes:
                try:
                    command, size = one.cmdline(), one.memory_info().rss / 1e6
                    kind = "JVM" if "java" in command[0] else "driver"
                    kind = "worker" if "fruits_kedro.spark.worker_daemon" in command else kind
                except (psutil.Error, IndexError):  # it ended meanwhile
                    continue
                self.peaks[kind] = max(self.peaks[kind], size)
                together += size
            self.peaks["together"] = max(self.peaks["together"], together)


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def kedro_run(
    store: Path | str,
    *arguments: str,
    conf: Path = PROJECT / "conf",
    variables: Mapping[str, str] | None = None,
    watch: Callable[[psutil.Process], object] | None = None,
    **params: object,
) -> WholeRun:
    """Run, and wait for the end.

    Args:
        store: where the results go.
        arguments: of ``kedro run``, such as ``--env``.
        conf: the folder of settings.
        variables: of the environment, to add.
        watch: called with the process, beside it.
        params: for ``--params``; with dots where they are nested.

    Raises:
        RuntimeError: the run failed; with the end of its output.
    """
    text = ",".join(f"{k}={v}" for k, v in {"store": store, **params}.items())
    command = [sys.executable, "-m", "kedro", "run", "--conf-source", str(conf), *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--params", text],
        cwd=PROJECT,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with Memory(process.pid) as memory:
        if watch is not None:
            threading.Thread(target=watch, args=[psutil.Process(process.pid)], daemon=True).start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(output[-3000:])
    file = Path(store, "08_reporting/model_info.json")
    return WholeRun(json.loads(file.read_text()) if file.exists() else {}, seconds, memory.peaks)


@contextmanager
def finished_store(description: str | None) -> Iterator[Path]:
    """The store that the command line names, or one made of the photos that it names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--images", required=True, help="a folder of photos")
    parser.add_argument("--store", help="a finished store: its features are used, none extracted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(arguments.store or folder).resolve()
        if arguments.store is None:
            kedro_run(store, images=Path(arguments.images).resolve())
        yield store


def features(store: Path) -> dict[str, list[float]]:
    """Features by path."""
    table = pq.read_table(store / "04_feature/extracted_features", columns=["path", "features"])
    return dict(zip(table["path"].to_pylist(), table["features"].to_pylist()))


def write_results(name: str, title: str, lines: list[str]) -> None:
    """Print lines, and write them to ``results/<name>.md`` below a title."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(f"# {title}\n\n" + "\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)
