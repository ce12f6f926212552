"""Runs that are killed at random moments, and what their store looks like then.

    python -m tests.faults.kills --driver 20 --workers 10

kills that often, and prints what was seen.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from tests.faults.harness import OUTPUTS, Bench, read_all


def kill_driver(bench: Bench, store: Path, line: str | None, seconds: float) -> tuple[str, str]:
    """Kill -9 the driver some seconds after a line of its log (or its start); what it was at."""
    process = bench.start(store)
    seen: list[str] = []
    found = threading.Event()
    if line is None:
        found.set()

    def follow() -> None:
        for text in process.stdout or ():
            seen.append(text.strip())
            if line is not None and line in text:
                found.set()

    reader = threading.Thread(target=follow)
    reader.start()
    while not found.wait(0.05) and process.poll() is None:
        pass
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join(timeout=60)  # the JVM, which has the same output, ends by itself
    steps = [text for text in seen if "ing data" in text or "Completed" in text]
    return (steps or ["starting"])[-1], "killed" if process.returncode == -9 else "had ended"


def kill_worker(bench: Bench, store: Path, seconds: float) -> bool:
    """Kill -9 a Python worker some seconds after it has begun; whether there was one."""
    process = bench.start(store)
    killed = False
    for text in process.stdout or ():
        if "Saving data to extraction_checkpoint" in text:
            end = time.monotonic() + 20
            while not _workers(process) and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(seconds)
            for worker in _workers(process)[:1]:
                worker.send_signal(signal.SIGKILL)
                killed = True
            break
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-3000:]
    return killed


def kill_jvm(bench: Bench, store: Path, line: str) -> str:
    """Kill -9 Spark's JVM right after a line of the run's log; what the run has said by its end."""
    process = bench.start(store)
    seen = []
    for text in process.stdout or ():
        seen.append(text)
        if line in text:
            for child in psutil.Process(process.pid).children():
                if "org.apache.spark.deploy.SparkSubmit" in child.cmdline():
                    child.kill()
    assert process.wait(timeout=600) == 1
    return "".join(seen)


def _workers(process: subprocess.Popen) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            lines = child.cmdline(), child.parent().cmdline()
        except (psutil.Error, AttributeError):
            continue  # it has just gone
        if all(line[-1:] == ["fruits_kedro.worker_daemon"] for line in lines):
            found.append(child)
    return found


def main() -> None:
    """Kill and compare, that often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", type=int, default=20)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--images", type=int, default=600, help="photos of each of 4 classes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), images=arguments.images)
        bench.prepare()
        writes = [*OUTPUTS, "extraction_checkpoint"]
        for i in range(arguments.driver):
            store = bench.store(f"driver {i}")
            # Every output's write, then any moment at all.
            line = f"Saving data to {writes[i]} " if i < len(writes) else None
            seconds = rng.uniform(0, 1.5) if line else rng.uniform(2, 40)
            step, ended = kill_driver(bench, store, line, seconds)
            states = bench.check_between(store)
            bench.check_after(store)
            counts = {s: list(states.values()).count(s) for s in ("before", "after", "absent")}
            print(
                f"driver {i + 1:2d} {ended} at: {step[-60:]:60s} {counts}, then equal", flush=True
            )
            shutil.rmtree(store)
        for i in range(arguments.workers):
            store = bench.store(f"worker {i}")
            seconds = float(np.round(rng.uniform(0, 6), 1))
            killed = kill_worker(bench, store, seconds)
            assert read_all(store) == bench.after, "the outputs differ"
            print(f"worker {i + 1:2d} killed after {seconds} s: {killed}, equal", flush=True)
            shutil.rmtree(store)


if __name__ == "__main__":
    main()
