"""The service under load: seconds to start, milliseconds, photos a second, memory, overload.

The load comes from locust, on the same machine, in an environment of its own:

    pip install locust                       # elsewhere, such as in /tmp/load
    python benchmarks/serving.py --store /results --photos /photos/Test --locust <bin/locust>

The store needs a classification. Writes benchmarks/results/serving.md.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
from whole_run import write_results

from fruits_kedro.features.extract import load_pixels
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.serving.store import load_store

_LOADFILE = Path(__file__).parent / "serving_load.py"


class Service:
    """``kedro serve`` in processes of its own."""

    def __init__(self, store: str, processes: int) -> None:
        command = [sys.executable, "-m", "fruits_kedro", "serve", "--params", f"store={store}"]
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--processes", str(processes)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        line = next(line for line in self.process.stderr if "answers after" in line)
        self.ready = time.perf_counter() - started
        self.url = line.split()[0]

    def memory(self) -> list[float]:
        """MB of each process, without what is mapped from files."""
        children = psutil.Process(self.process.pid).children()
        return [child.memory_info().rss / 1e6 for child in children]

    def end(self) -> float:
        """Seconds until it has ended."""
        started = time.perf_counter()
        self.process.terminate()
        self.process.wait()
        return time.perf_counter() - started


def alone(url: str, photos: list[bytes]) -> list[float]:
    """Milliseconds of each photo, one after the other."""
    found = []
    with httpx.Client(base_url=url) as client:
        for photo in photos:
            started = time.perf_counter()
            assert client.post("/predict", content=photo).status_code == 200
            found.append(1000 * (time.perf_counter() - started))
    return found


def load(
    locust: str, url: str, photos: str, clients: int, seconds: int
) -> tuple[dict[str, dict[str, str]], float]:
    """What locust has counted, by name, and how many cores it took on average."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        command = [locust, "-f", str(_LOADFILE), "--headless", "-H", url, "-u", str(clients)]
        command += ["-r", str(clients), "-t", f"{seconds}s", "--csv", f"{folder}/load"]
        environment = os.environ | {"PHOTOS": photos}
        subprocess.run([*command, "--only-summary"], env=environment, capture_output=True)
        with open(f"{folder}/load_stats.csv") as file:
            found = {row["Name"]: row for row in csv.DictReader(file)}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found, took / seconds


def model_speed(store: str, photos: list[bytes]) -> float:
    """Photos a second of the model alone, in this process."""
    loaded = load_store(store, {})
    size = loaded.backbone.input_size
    pixels = [np.asarray(load_pixels(photo, size, ImageLimits()))[None] for photo in photos]
    started = time.perf_counter()
    for one in pixels * 8:
        loaded.model(one)
    return 8 * len(pixels) / (time.perf_counter() - started)


def speed_of_all_cores(store: str, photos: list[bytes], cores: int) -> float:
    """Photos a second of the model alone, in a process on each core, all at the same time."""
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(model_speed, [store] * cores, [photos] * cores))


def main() -> None:
    """Measure, print a table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", required=True)
    parser.add_argument("--photos", required=True)
    parser.add_argument("--locust", required=True)
    parser.add_argument("--seconds", type=int, default=300)
    options = parser.parse_args()
    photos = [p.read_bytes() for p in sorted(Path(options.photos).rglob("*.jpg"))[::7]]
    cores = len(os.sched_getaffinity(0))
    raw = speed_of_all_cores(options.store, photos, cores) / cores
    service = Service(options.store, cores)
    alone(service.url, photos[:50])
    single = alone(service.url, photos)
    before = service.memory()
    counted, taken = load(options.locust, service.url, options.photos, 32, options.seconds)
    under = counted["/predict"]
    share = float(under["Requests/s"]) / (raw * (cores - taken))
    after = service.memory()
    over, _ = load(options.locust, service.url, options.photos, 320, 60)
    time.sleep(5)
    recovered = alone(service.url, photos[:20])
    lines = [
        f"{cores} cores, with the load generator on them.",
        "",
        "| what | figure |",
        "| --- | --- |",
        f"| from the command to the first answer | {service.ready:.1f} s |",
        f"| memory of a process, before and after the load | {max(before):.0f} and "
        f"{max(after):.0f} MB |",
        f"| one photo, alone | p50 {np.percentile(single, 50):.1f} ms, "
        f"p99 {np.percentile(single, 99):.1f} ms |",
        f"| the model alone, on each of the cores | {raw:.0f} photos/s |",
        f"| 32 clients for {options.seconds} s | {float(under['Requests/s']):.0f} photos/s, "
        f"{under['Request Count']} requests, {under['Failure Count']} failures, "
        f"p50 {under['50%']} ms, p99 {under['99%']} ms |",
        f"| the same, beside the model alone on the {cores - taken:.2f} cores that locust left | "
        f"{share:.2f} |",
        f"| 320 clients for a minute | {over['/predict']['Request Count']} answers, p99 "
        f"{over['/predict']['99%']} ms; {over.get('busy', {}).get('Request Count', 0)} times 503; "
        f"{over['/predict']['Failure Count']} failures |",
        f"| one photo 5 s later | {np.median(recovered):.1f} ms |",
        f"| from SIGTERM to the end | {service.end():.1f} s |",
    ]
    write_results("serving", "The service", lines)


if __name__ == "__main__":
    main()
