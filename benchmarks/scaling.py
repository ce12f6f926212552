"""How time and memory grow with the number of photos.

    python benchmarks/scaling.py

makes synthetic photos, runs the pipeline on 300 to 100,000 of them, fits a line, measures the bare
loop on 20,000 right before and after the last run, prints a table and writes it to
benchmarks/results/scaling.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from extraction import bare_loop
from whole_run import WholeRun, kedro_run, usable_cores, write_results

from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.sample import write_sample

SIZES = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
CLASSES = 100
BARE = 20_000


def link(photos: Path, names: list[str], folder: Path) -> None:
    """A folder of some of the photos, without copying them."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(photos / name, target)


def row(size: int, run: WholeRun) -> str:
    """One line of the table."""
    seconds = run.info["stages"]["extraction"]["seconds"]
    memory = " | ".join(f"{run.memory[kind]:,.0f}" for kind in ("worker", "driver", "JVM"))
    return f"| {size:,} | {run.seconds:,.1f} | {seconds:,.1f} | {size / seconds:,.1f} | {memory} |"


def fit(sizes: list[int], seconds: list[float]) -> str:
    """The line through the seconds by relative least squares, in words."""
    weights = 1 / np.array(seconds)
    slope, start = np.polyfit(sizes, seconds, 1, w=weights)
    off = np.abs((start + slope * np.array(sizes)) * weights - 1).max()
    return (
        f"The whole process takes {start:.1f} s and {slope * 1000:.2f} s for every 1,000 photos; "
        f"no measurement is off that line by more than {off:.0%}."
    )


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
            if size == sizes[-1]:
                some = chosen[:: -(-size // BARE)]
                before = bare_loop(str(root), some, cores)
            run = kedro_run(Path(name, f"store-{size}"), images=root)
            lines.append(row(size, run))
            seconds.append(run.seconds)
            print(lines[-1], flush=True)
        speed = run.info["speed"]["images_per_s"]
        after = bare_loop(str(root), some, cores)
    table = [
        f"Synthetic photos (100 x 100 JPEG), {cores} cores, {time.strftime('%Y-%m-%d')}.",
        "",
        "| photos | whole process, s | extraction, s | images/s | worker, MB | driver, MB | JVM, "
        "MB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
        "",
        fit(sizes, seconds),
        f"The bare loop on {len(some):,} of the last run's photos: {before:,.1f} images/s right "
        f"before it, {after:,.1f} after; the extraction reached {2 * speed / (before + after):.2f} "
        "of it.",
    ]
    write_results("scaling", "Scaling", table)


if __name__ == "__main__":
    main()
