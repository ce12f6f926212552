"""Neighbours of many photos: seconds, memory, and the share of the exact ones that is found.

    python benchmarks/curation.py [--photos 49236 1000000]

takes synthetic features (mixtures of a hundred photos a centre, in 64 of 1,280 dimensions), prints
a table and writes it to benchmarks/results/curation.md. Each size has a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time

import numpy as np
import pandas as pd
from whole_run import Memory, usable_cores, write_results

from fruits_kedro.config.curation import CurationParams
from fruits_kedro.curation.clusters import find_clusters
from fruits_kedro.curation.duplicates import find_duplicates
from fruits_kedro.curation.neighbours import find_neighbours
from fruits_kedro.curation.vectors import Vectors, empty_matrix, normalised

FEATURES, DIMENSIONS, A_CENTRE, BATCH = 1280, 64, 100, 20_000


def synthetic(photos: int, on_disk: bool) -> Vectors:
    """Vectors of photos without labels; every fiftieth has a twin."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(1, photos // A_CENTRE), DIMENSIONS))
    mixing = rng.normal(size=(DIMENSIONS, FEATURES)).astype(np.float32)
    table = pd.DataFrame({"path": [f"Training/{i:08d}.jpg" for i in range(photos)]})
    table = table.assign(split="Training", label=None, content_hash=None)
    table["pixels"] = rng.permutation(photos) * 50 // 51
    vectors = Vectors(table, empty_matrix((photos, FEATURES), on_disk), "synthetic")
    for start in range(0, photos, BATCH):
        near = centres[rng.integers(0, len(centres), min(BATCH, photos - start))]
        noisy = near + 0.3 * rng.normal(size=near.shape)
        rows = np.maximum(noisy.astype(np.float32) @ mixing, 0)
        vectors.matrix[start : start + BATCH] = normalised(rows)
    return vectors


def measure(photos: int) -> str:
    """One line of the table."""
    params = CurationParams()
    vectors = synthetic(photos, photos > params.exact_images)
    seconds, results = {}, {}
    with Memory() as memory:
        for name, function in {
            "neighbours": lambda: find_neighbours(
                vectors, params.neighbours, params.exact_images, params.recall, params.seed
            ),
            "duplicates": lambda: find_duplicates(vectors.photos),
            "clusters": lambda: find_clusters(vectors, params.clusters, params.seed),
        }.items():
            started = time.perf_counter()
            results[name] = function()
            seconds[name] = time.perf_counter() - started
    found = results["neighbours"]
    took = " | ".join(f"{one:,.1f}" for one in seconds.values())
    how = found.method if found.method == "exact" else f"ivf, {found.probes} cells"
    return f"| {photos:,} | {how} | {found.recall:.4f} | {took} | {memory.peaks['together']:,.0f} |"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[49_236, 1_000_000])
    lines = []
    for photos in parser.parse_args().photos:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            lines.append(pool.apply(measure, (photos,)))
    table = [
        f"{FEATURES} synthetic features a photo, {usable_cores()} cores, "
        f"{time.strftime('%Y-%m-%d')}. The recall of an index is measured on 500 photos.",
        "",
        "| photos | neighbours | recall@10 | neighbours, s | duplicates, s | clusters, s | MB |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]
    write_results("curation", "Curation", table)


if __name__ == "__main__":
    main()
