"""A curation of many photos: seconds, memory, and the share of the exact neighbours that is found.

    python benchmarks/curation.py [--photos 49236 1000000]

takes synthetic features (mixtures of a hundred photos a centre, in 64 of 1,280 dimensions) and
thumbnails (drawn ones, moved), prints a table and writes it to benchmarks/results/curation.md. Each
size has a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from whole_run import Memory, usable_cores, write_results

from fruits_kedro.commands.sample import draw_class
from fruits_kedro.config.curation import CurationParams
from fruits_kedro.curation.clusters import find_clusters
from fruits_kedro.curation.duplicates import find_duplicates
from fruits_kedro.curation.file_matrix import FileMatrix
from fruits_kedro.curation.index_files import INDEXED
from fruits_kedro.curation.label_issues import find_label_issues
from fruits_kedro.curation.neighbours import calibrated_index, find_neighbours
from fruits_kedro.curation.photos import Photos
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.features.rows import normalised
from fruits_kedro.images.decode import decode
from fruits_kedro.images.thumbnail import gray_thumbnail

FEATURES, DIMENSIONS, A_CENTRE, BATCH, LABELS = 1280, 64, 100, 20_000, 100
COLUMNS = {
    **{"neighbours": "neighbours, s", "recall": "recall@10", "duplicates": "duplicates, s"},
    **{"label issues": "label issues, s", "clusters": "clusters, s", "memory": "memory, MB"},
    **{
        "index": "index, s",
        "index memory": "its memory, MB",
        "query": "one query, ms",
        "update": "100 new, 50 gone, s",
    },
}


def synthetic(photos: int, on_disk: bool) -> tuple[Photos, Vectors]:
    """Photos and their vectors; one in fifty has the pixels of another one."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(1, photos // A_CENTRE), DIMENSIONS))
    mixing = rng.normal(size=(DIMENSIONS, FEATURES)).astype(np.float32)
    table = pd.DataFrame({"path": [f"Training/{i:08d}.jpg" for i in range(photos)]})
    table = table.assign(split="Training", content_hash=None)
    table["pixels"] = rng.permutation(photos) * 50 // 51
    shape = photos, FEATURES
    vectors = Vectors(table, FileMatrix(shape) if on_disk else np.empty(shape, np.float32))
    drawn = [
        decode(content).convert("L")
        for fruit in ("Apple", "Blueberry", "Cherry", "Kiwi", "Peach", "Pear", "Plum", "Tomato")
        for variety in range(10)
        for _, _, content in draw_class(f"{fruit} {variety}", 25, 0)
    ]
    thumbnails = np.concatenate([_thumbnails(rng, drawn, BATCH) for _ in range(0, photos, BATCH)])
    labels = []
    for start in range(0, photos, BATCH):
        centre = rng.integers(0, len(centres), min(BATCH, photos - start))
        labels.append(centre % LABELS)
        noisy = centres[centre] + 0.3 * rng.normal(size=(len(centre), DIMENSIONS))
        rows = np.maximum(noisy.astype(np.float32) @ mixing, 0)
        vectors.matrix[start : start + BATCH] = normalised(rows)
    table["label"] = pd.Series(np.concatenate(labels)).map(str)
    known = np.ones(photos, bool)
    return Photos(table, thumbnails[:photos], known, "synthetic"), vectors


def _thumbnails(rng: np.random.Generator, drawn: list[Image.Image], n: int) -> NDArray[np.uint8]:
    """Thumbnails of drawn photos, brighter or darker, with noise."""
    small = np.stack([np.frombuffer(gray_thumbnail(image), np.uint8) for image in drawn])
    moved = small[rng.integers(0, len(small), n)] * rng.uniform(0.7, 1.2, (n, 1))
    moved += rng.normal(0, 6, (n, 1)) + rng.normal(0, 3, moved.shape).astype(np.float32)
    return np.clip(moved, 0, 255).astype(np.uint8)


def measure(n: int) -> dict[str, str]:
    """One line of the table."""
    params = CurationParams()
    photos, vectors = synthetic(n, n > params.exact_images)
    took: dict[str, str] = {"photos": f"{n:,}"}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        took[name] = f"{time.perf_counter() - started:,.1f}"

    with Memory() as memory:
        with timed("neighbours"):
            wanted = (params.neighbours, params.exact_images, params.recall, params.seed)
            found = find_neighbours(vectors, *wanted)
        with timed("duplicates"):
            find_duplicates(photos, params.near)
        with timed("label issues"):
            find_label_issues(vectors, found.indices)
        with timed("clusters"):
            find_clusters(vectors, params.clusters, params.seed)
    if found.probes:
        took |= measure_index(vectors)
    how = "exact" if not found.probes else f"{found.probes} cells"
    took["recall"] = f"{found.recall:.4f} ({how})"
    return took | {"memory": f"{memory.peaks['together']:,.0f}"}


def measure_index(vectors: Vectors) -> dict[str, str]:
    """The index of ``kedro similar``: to build it, to ask it, to update it."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with Memory() as memory:
            _build(vectors, Path(folder))
        built = time.perf_counter() - started
        index, queries = SimilarityIndex(Path(folder)), []
        for query in vectors.rows(vectors.sample(500, seed=1)):
            started = time.perf_counter()
            index.search(vector=query.tolist(), top_k=10)
            queries.append(time.perf_counter() - started)
        new = {"path": [f"new/{i}.jpg" for i in range(100)], "label": ["1"] * 100}
        new |= {"split": ["Training"] * 100, "pixels": list(range(100))}
        gone = vectors.photos["path"][rng.choice(len(vectors), 50, replace=False)].tolist()
        started = time.perf_counter()
        index = SimilarityIndex(Path(folder))
        index.update(pa.table(new, INDEXED), rng.random((100, FEATURES), np.float32), gone)
        updated = time.perf_counter() - started
    query = f"{np.median(queries[100:]) * 1000:.2f}"
    built_in = f"{memory.peaks['together']:,.0f}"
    took = {"index": f"{built:,.1f}", "index memory": built_in}
    return took | {"query": query, "update": f"{updated:.2f}"}


def _build(vectors: Vectors, folder: Path) -> None:
    cells, _, _ = calibrated_index(vectors, 10, 0.995, 0)
    SimilarityIndex(folder).build(vectors, "synthetic", "", cells)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[49_236, 1_000_000])
    rows = []
    for photos in parser.parse_args().photos:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows.append(pool.apply(measure, (photos,)))
    names = {"photos": "photos"} | COLUMNS
    table = [
        f"{FEATURES} synthetic features a photo, {usable_cores()} cores, "
        f"{time.strftime('%Y-%m-%d')}. The recall of an index is measured on 500 photos.",
        "",
        f"| | {' | '.join(row['photos'] for row in rows)} |",
        f"| --- |{' ---: |' * len(rows)}",
        *(f"| {names[n]} | {' | '.join(row.get(n, '') for row in rows)} |" for n in COLUMNS),
    ]
    write_results("curation", "Curation", table)


if __name__ == "__main__":
    main()
