"""The report of a store, and of as many photos as are asked for: seconds, size, frames a second.

More photos than the store has are its own again, moved a little in PCA space, with names of their
own. The browser is Debian's Chromium without a graphics card and without a network.

    python benchmarks/report.py --store /results --photos 10720 100000
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import sync_playwright
from scipy.spatial import cKDTree
from whole_run import write_results

from fruits_kedro.curation.photo_map import (
    balanced_sample,
    find_examples,
    map_table,
    ordered_by_path,
    place_photos,
)
from fruits_kedro.reports.html.contents import Contents
from fruits_kedro.reports.html.galleries import as_table
from fruits_kedro.reports.html.sprites import read_pictures
from fruits_kedro.reports.html.texts import Texts
from fruits_kedro.reports.report import report_page

PAN = """async () => {
  const canvas = document.getElementById("map-canvas");
  canvas.setPointerCapture = () => {};
  canvas.scrollIntoView();
  const box = canvas.getBoundingClientRect(), times = [];
  const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
    { pointerId: 1, clientX: box.left + x, clientY: box.top + y, bubbles: true }));
  send("pointerdown", 500, 300);
  for (let i = 0; i < 90; i++) {
    send("pointermove", 500 + 100 * Math.sin(i / 10), 300 + 60 * Math.cos(i / 9));
    await new Promise((done) => requestAnimationFrame(done));
    times.push(performance.now());
  }
  send("pointerup", 500, 300);
  return 89000 / (times[89] - times[0]);
}"""


def read(store: Path, name: str, columns: list[str] | None = None) -> pa.Table:
    """A table of the store."""
    return pq.read_table(store / name, columns=columns)


def load(store: Path, name: str) -> Any:
    """A JSON file of the store; None if there is none."""
    path = store / "08_reporting" / name
    return json.loads(path.read_text()) if path.exists() else None


def repeated(store: Path, total: int) -> tuple[pd.DataFrame, np.ndarray, dict[str, bytes]]:
    """Photos, their PCA scores and pictures: those of the store, again and again."""
    rows = read(store, "05_model_input/pca_features")
    photos = rows.select(["path", "split", "label"]).to_pandas()
    scores = np.stack(rows.column("pca_features").to_pylist()).astype(np.float32)
    batches = read(store, "04_feature/extracted_features", ["path", "picture"]).to_batches()
    pictures = read_pictures(lambda _: batches, photos["path"])
    rng, spread = np.random.default_rng(0), 0.05 * scores.std(axis=0)
    parts, moved, shown = [photos], [scores], dict(pictures)
    while sum(map(len, parts)) < total:
        again = photos.assign(path=photos["path"] + f".{len(parts)}.jpg")
        noise = rng.normal(size=scores.shape).astype(np.float32)
        parts.append(again)
        moved.append(scores + spread * noise)
        shown |= zip(again["path"], (pictures[path] for path in photos["path"]))
    return pd.concat(parts, ignore_index=True)[:total], np.concatenate(moved)[:total], shown


def make(store: Path, total: int) -> tuple[str, dict[str, float]]:
    """The page, and the seconds of its parts."""
    photos, scores, pictures = repeated(store, total)
    started = time.perf_counter()
    chosen = balanced_sample(photos["path"], photos["label"], 100_000)
    chosen = ordered_by_path(photos["path"], chosen)
    photos, scores = photos.iloc[chosen].reset_index(drop=True), scores[chosen]
    placed = place_photos(scores, 0)
    table = map_table(photos, placed, pictures)
    mapped = time.perf_counter() - started
    examples = find_examples(scores, photos["path"], photos["label"], 6, 6)
    info = load(store, "model_info.json")
    info["counts"] |= {"images": total, "features": total}
    contents = Contents(
        images=json.loads((store / "02_intermediate/input_root.json").read_text())["images"],
        counts=pd.read_csv(store / "02_intermediate/class_counts.csv"),
        run=info,
        variance=pd.read_csv(store / "08_reporting/explained_variance.csv"),
        photo_map=table,
        examples=examples,
        rejected=as_table(read(store, "08_reporting/rejected_images").to_pandas()),
        curation=load(store, "curation_summary.json"),
        classification=load(store, "classification_summary.json"),
    )
    started = time.perf_counter()
    page = report_page(contents, Texts("en"), functools.partial(chosen_of, pictures))
    seconds = time.perf_counter() - started
    on_map = cKDTree(placed.positions[:20_000]).query(placed.positions[:20_000], 11)[1][:, 1:]
    near = placed.neighbours[:20_000]
    kept = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(on_map, near)])
    return page, {"map": mapped, "page": seconds, "kept": float(kept)}


def chosen_of(pictures: dict[str, bytes], paths: Any) -> dict[str, bytes]:
    """Those of the pictures."""
    return {path: pictures[path] for path in paths if path in pictures}


def open_in_browser(file: Path) -> dict[str, float]:
    """Seconds to the first paint and to the map, and frames a second while it moves."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(offline=True, viewport={"width": 1400, "height": 900}).new_page()
        started = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("#map-stage[data-ready=true]", timeout=120_000)
        ready = time.perf_counter() - started
        paint = page.evaluate("performance.getEntriesByType('paint')[0].startTime") / 1000
        frames = page.evaluate(PAN)
        browser.close()
    return {"paint": paint, "ready": ready, "frames": frames}


def main() -> None:
    """Measure, print a table and write it to benchmarks/results/report.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--photos", type=int, nargs="+", default=[10_720])
    options = parser.parse_args()
    lines = [
        "| photos | MB | map, s | page, s | kept | first paint, s | ready, s | frames/s |",
        "|" + " ---: |" * 8,
    ]
    for total in options.photos:
        page, made = make(options.store, total)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "report.html")
            file.write_text(page, encoding="utf-8")
            seen = open_in_browser(file)
            size = file.stat().st_size / 1e6
        lines.append(
            f"| {total:,} | {size:.1f} | {made['map']:.1f} | {made['page']:.1f} | "
            f"{made['kept']:.3f} | {seen['paint']:.2f} | {seen['ready']:.1f} | "
            f"{seen['frames']:.0f} |"
        )
    write_results("report", "The report", lines)


if __name__ == "__main__":
    main()
