"""What lower precision costs and brings: images/s, cosine to float32, linear probe.

    python benchmarks/precision.py --images ../shared/data/fruits-360

prints a table and writes it to benchmarks/results/precision.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from linear_probe import digests, probe
from model_alone import model_alone
from whole_run import kedro_run, usable_cores, write_results

from fruits_kedro.backbones.backbone_file import read_backbone

PRECISIONS = ("f32", "mixed", "int8")
MODEL_SECONDS = 5


def extract(images: str, precision: str) -> tuple[pd.DataFrame, dict, float]:
    """Features of all photos in the order of their paths, ``model_info``, the model's images/s."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"extraction.precision": precision, "pca.n_components": 2}
        store = Path(folder)
        info = kedro_run(store, images=images, **settings).info
        rows = pd.read_parquet(store / "04_feature/extracted_features")
        backbone = read_backbone(store / "06_models/model.backbone", "litert", None)
    ceiling = model_alone(backbone, usable_cores(), MODEL_SECONDS)
    return rows[rows["features"].notna()].sort_values("path", ignore_index=True), info, ceiling


def main() -> None:
    """Extract, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of photos")
    root = str(Path(parser.parse_args().images).resolve())
    lines: list[str] = []
    for precision in PRECISIONS:
        rows, info, ceiling = extract(root, precision)
        features = np.stack(rows["features"]).astype(np.float64)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        if precision == "f32":
            exact, files = features, digests(rows, root)
            test = (rows["split"] == "Test").to_numpy()
            leaks = ~test & np.isin(files, files[test])
        cosine = (features * exact).sum(axis=1)
        f1, _ = probe(rows[~test & ~leaks], rows[test], "label")
        # Calibrates and quantises, once for a store.
        once = info["node_seconds"]["extraction.load_backbone"]
        speed = len(rows) / (info["stages"]["extraction"]["seconds"] - once)
        figures = f"{ceiling:,.0f} | {speed:,.0f} | {once:,.0f}"
        fidelity = f"{cosine.mean():.4f} | {np.quantile(cosine, 0.01):.4f} | {f1:.4f}"
        lines.append(f"| {precision} | {figures} | {fidelity} |")
        print(lines[-1], flush=True)
    table = [
        f"{len(rows):,} photos; {time.strftime('%Y-%m-%d')}. `mixed` and `int8` were calibrated on "
        "100 Training photos.",
        "",
        "| precision | images/s, the model alone | images/s, extraction | seconds once a store, "
        "to calibrate | mean cosine to f32 | of 1 photo in 100 it is below | macro-F1 of a linear "
        "probe |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]
    write_results("precision", "Precision", table)


if __name__ == "__main__":
    main()
