"""Processes of a run that are killed, at an event or at random moments.

    python -m tests.faults.kills --driver 20 --workers 10

kills that often, and prints what was seen.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from tests.faults.harness import OUTPUTS, Bench, extracts, read_all, writes


def kill(process: subprocess.Popen) -> str:
    """Kill -9 a driver; whether it was ``killed`` or ``had ended``. Its JVM ends by itself."""
    process.kill()
    return "killed" if process.wait() == -9 else "had ended"


def kill_jvm(process: subprocess.Popen) -> None:
    """Kill -9 Spark's JVM."""
    (jvm,) = (
        child
        for child in psutil.Process(process.pid).children()
        if "org.apache.spark.deploy.SparkSubmit" in child.cmdline()
    )
    jvm.kill()


def kill_worker(process: subprocess.Popen) -> bool:
    """Kill -9 a Python worker; whether there was one."""
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            lines = child.cmdline(), child.parent().cmdline()
        except (psutil.Error, AttributeError):
            continue  # it has just gone
        if all("fruits_kedro.spark.worker_daemon" in line for line in lines):
            child.kill()
            return True
    return False


@contextmanager
def paused(process: subprocess.Popen) -> Iterator[None]:
    """Stop a run, all of its processes, for the length of a block."""
    driver = psutil.Process(process.pid)
    family = [driver, *driver.children(recursive=True)]
    for one in family:
        one.suspend()
    try:
        yield
    finally:
        for one in family:
            if one.is_running():
                one.resume()


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
        events = [extracts, *map(writes, OUTPUTS)]
        for i in range(arguments.driver):
            store = bench.store(f"driver {i}")
            # While each output is written, then at any moment at all.
            event = events[i] if i < len(events) else None
            process = bench.start(store, event)
            time.sleep(rng.uniform(0, 0.5) if event else rng.uniform(2, 20))
            ended = kill(process)
            states = bench.check_between(store)
            bench.check_after(store)
            counts = {s: list(states.values()).count(s) for s in ("before", "after", "absent")}
            print(f"driver {i + 1:2d} {ended}: {counts}, then equal", flush=True)
            shutil.rmtree(store)
        for i in range(arguments.workers):
            store = bench.store(f"worker {i}")
            process = bench.start(store, extracts)
            time.sleep(rng.uniform(0, 1))
            killed = kill_worker(process)
            assert process.wait(timeout=600) == 0, bench.output(store.name)[-3000:]
            assert read_all(store) == bench.after, "the outputs differ"
            print(f"worker {i + 1:2d} killed: {killed}, equal", flush=True)
            shutil.rmtree(store)


if __name__ == "__main__":
    main()
