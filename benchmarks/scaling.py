"""How time and memory grow with the number of photos.

    python benchmarks/scaling.py

makes synthetic photos, runs the pipeline on 300 to 100,000 of them, fits a line, pauses the last
run four times to measure the bare loop on 5,000 photos, prints a table and writes it to
benchmarks/results/scaling.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from extraction import bare_loop
from whole_run import WholeRun, kedro_run, usable_cores, write_results

from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.commands.sample import write_sample

SIZES = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
CLASSES = 100
PAUSES = 4
BARE = 5_000  # photos in a pause


class PausedFor:
    """The bare loop on some photos, measured while a run is paused, again and again in its course.

    A machine's speed drifts: what is measured before and after ten minutes says little about them.

    Attributes:
        speeds: of the loop, in images/s, one a pause.
        seconds: of all pauses.
    """

    def __init__(self, root: Path, paths: list[str], cores: int, store: Path) -> None:
        self.root, self.paths, self.cores = root, paths, cores
        self.checkpoint = store / "04_feature/extraction_checkpoint"
        self.speeds: list[float] = []
        self.seconds = 0.0

    def __call__(self, run: psutil.Process) -> None:
        """Wait until an eighth, three eighths and so on are extracted; pause, measure, go on."""
        for pause in range(PAUSES):
            while self._extracted() < (pause + 0.5) / PAUSES * len(self.paths):
                time.sleep(1)
            some = self.paths[pause :: -(-len(self.paths) // BARE)]
            with self._paused(run):
                self.speeds.append(bare_loop(str(self.root), some, self.cores))

    @contextmanager
    def _paused(self, run: psutil.Process) -> Iterator[None]:
        processes = [run, *run.children(recursive=True)]
        started = time.perf_counter()
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()
            self.seconds += time.perf_counter() - started

    def _extracted(self) -> int:
        return 256 * sum(1 for _ in self.checkpoint.glob("*.parquet"))  # rows of a file, at most


def link(photos: Path, names: list[str], folder: Path) -> None:
    """A folder of some of the photos, without copying them."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(photos / name, target)


def row(size: int, whole: float, seconds: float, run: WholeRun) -> str:
    """One line of the table."""
    memory = " | ".join(f"{run.memory[kind]:,.0f}" for kind in ("worker", "driver", "JVM"))
    return f"| {size:,} | {whole:,.1f} | {seconds:,.1f} | {size / seconds:,.1f} | {memory} |"


def fit(sizes: list[int], seconds: list[float]) -> str:
    """The line through the seconds by relative least squares, in words."""
    weights = 1 / np.array(seconds)
    slope, start = np.polyfit(sizes, seconds, 1, w=weights)
    off = np.abs((start + slope * np.array(sizes)) * weights - 1).max()
    return (
        f"The whole process takes {start:.1f} s and {slope * 1000:.2f} s for every 1,000 photos; "
        f"no measurement is off that line by more than {off:.0%}."
    )


def beside(bare: PausedFor, speed: float) -> list[str]:
    """The bare loop's speeds in the pauses, if there were any, and the run's beside them."""
    if not bare.speeds:
        return []
    each = ", ".join(f"{speed:.1f}" for speed in bare.speeds)
    return [
        f"The last run was paused {len(bare.speeds)} times, {bare.seconds:.0f} s in all, which are "
        f"not counted, to measure the bare loop on {BARE:,} of its photos: {each} images/s; the "
        f"extraction reached {speed / statistics.harmonic_mean(bare.speeds):.2f} of their mean."
    ]


def main() -> None:
    """Make photos, measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="photos of the last run")
    most = parser.parse_args().most
    sizes = [size for size in SIZES if size <= most]
    cores = usable_cores()
    load_backbone("imagenet", "litert", 224)  # convert and cache, outside every timing
    lines, seconds = [], []
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name, "photos")
        sum(write_sample(photos, CLASSES, -(-most // CLASSES), 0, 0))
        names = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))
        for size in sizes:
            root = Path(name, str(size))
            chosen = [names[i * len(names) // size] for i in range(size)]
            link(photos, chosen, root)
            store = Path(name, f"store-{size}")
            bare = PausedFor(root, chosen, cores, store)
            if size == sizes[-1] >= PAUSES * BARE:  # a photo's limit of time goes on in a pause
                limits = {"extraction.limits.seconds": 600}
                run = kedro_run(store, images=root, watch=bare, **limits)
            else:
                run = kedro_run(store, images=root)
            extraction = run.info["stages"]["extraction"]["seconds"] - bare.seconds
            seconds.append(run.seconds - bare.seconds)
            lines.append(row(size, seconds[-1], extraction, run))
            print(lines[-1], flush=True)
    table = [
        f"Synthetic photos (100 x 100 JPEG), {cores} cores, {time.strftime('%Y-%m-%d')}.",
        "",
        "| photos | whole process, s | extraction, s | images/s | worker, MB | driver, MB | JVM, "
        "MB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
        "",
        fit(sizes, seconds),
        *beside(bare, sizes[-1] / extraction),
    ]
    write_results("scaling", "Scaling", table)


if __name__ == "__main__":
    main()
