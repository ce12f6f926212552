"""A second run over photos of which some are new, changed or gone, against a run from scratch.

    python benchmarks/incremental.py --images ../photos

Copies the photos, runs, adds 100, changes 50 and deletes 20 of them, runs again, and compares the
results with those of a run from scratch. Writes benchmarks/results/incremental.md.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from whole_run import kedro_run, write_results

NEW, CHANGED, DELETED = 100, 50, 20


def run(images: Path, store: Path) -> dict:
    """One ``kedro run``: seconds of the process, of the extraction, and what it extracted."""
    done = kedro_run(store, images=images)
    stage = done.info["stages"]["extraction"]["seconds"]
    return {"process": done.seconds, "extraction": stage, "plan": done.info["extraction_plan"]}


def change(images: Path) -> None:
    """Add, change and delete photos, spread over the folders."""
    photos = sorted(images.rglob("*.jpg"))
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(photos), NEW + 2 * CHANGED + DELETED, replace=False)
    chosen = [photos[i] for i in chosen]
    for path in chosen[:NEW]:
        shutil.copy(path, path.with_name(f"new {path.name}"))
    others = chosen[NEW + CHANGED : NEW + 2 * CHANGED]
    for path, other in zip(chosen[NEW : NEW + CHANGED], others):
        shutil.copyfile(other, path)
    for path in chosen[NEW + 2 * CHANGED :]:
        path.unlink()


def same(one: Path, other: Path) -> bool:
    """Whether two stores hold the same features, scores and matrix, bit for bit."""
    for name in ("04_feature/extracted_features", "05_model_input/pca_features"):
        column = name.rpartition("/")[2].replace("extracted_", "")
        frames = [pq.read_table(store / name).sort_by("path") for store in (one, other)]
        if frames[0]["path"] != frames[1]["path"] or frames[0][column] != frames[1][column]:
            return False
    matrices = [pd.read_csv(store / "05_model_input/pca_matrix.csv") for store in (one, other)]
    return bool(matrices[0].equals(matrices[1]))


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of photos")
    source = Path(parser.parse_args().images).resolve()
    with tempfile.TemporaryDirectory() as folder:
        images, store = Path(folder, "images"), Path(folder, "store")
        shutil.copytree(source, images)
        rows = {"first run": run(images, store)}
        rows["second run, nothing new"] = run(images, store)
        change(images)
        rows[f"{NEW} new, {CHANGED} changed, {DELETED} deleted"] = run(images, store)
        rows["from scratch"] = run(images, Path(folder, "scratch"))
        equal = same(store, Path(folder, "scratch"))
    lines = [
        "| run | extracted | reused | gone | extraction, s | whole process, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        plan = row["plan"]
        extracted = plan["new"] + plan["changed"] + plan["failed_before"] + plan["other_backbone"]
        lines.append(
            f"| {name} | {extracted:,} | {plan['done']:,} | {plan['gone']:,} "
            f"| {row['extraction']:.1f} | {row['process']:.1f} |"
        )
    verdict = "are" if equal else "are NOT"
    lines += ["", f"Features, scores and matrix of the last two {verdict} the same, bit for bit."]
    write_results("incremental", "Incremental runs", lines)


if __name__ == "__main__":
    main()
