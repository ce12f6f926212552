"""A whole ``kedro run`` in a process of its own: its ``model_info``, its seconds and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
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
            ``worker`` (Python).
    """

    info: dict
    seconds: float
    memory: dict[str, float]


class _Memory(threading.Thread):
    """Five times a second, the resident sets of a process and of those below it."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.peaks = {"driver": 0.0, "JVM": 0.0, "worker": 0.0}
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            try:
                for one in (self.process, *self.process.children(recursive=True)):
                    command = one.cmdline()
                    kind = "JVM" if "java" in command[0] else "driver"
                    kind = "worker" if "pyspark.daemon" in command else kind
                    self.peaks[kind] = max(self.peaks[kind], one.memory_info().rss / 1e6)
            except (psutil.Error, IndexError):  # it ended meanwhile
                continue


def kedro_run(
    store: Path | str,
    *arguments: str,
    conf: Path = PROJECT / "conf",
    variables: Mapping[str, str] | None = None,
    **params: object,
) -> WholeRun:
    """Run, and wait for the end.

    Args:
        store: where the results go.
        arguments: of ``kedro run``, such as ``--env``.
        conf: the folder of settings.
        variables: of the environment, to add.
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
    memory = _Memory(psutil.Process(process.pid))
    memory.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    memory.done.set()
    if process.returncode:
        raise RuntimeError(output[-3000:])
    file = Path(store, "08_reporting/model_info.json")
    return WholeRun(json.loads(file.read_text()) if file.exists() else {}, seconds, memory.peaks)


def features(store: Path) -> dict[str, list[float]]:
    """Features by path."""
    table = pq.read_table(store / "04_feature/extracted_features", columns=["path", "features"])
    return dict(zip(table["path"].to_pylist(), table["features"].to_pylist()))


def write_results(name: str, title: str, lines: list[str]) -> None:
    """Print lines, and write them to ``results/<name>.md`` below a title."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(f"# {title}\n\n" + "\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)
