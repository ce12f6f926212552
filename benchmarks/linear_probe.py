"""How much the features know: a linear probe on varieties, and on fruits of unseen varieties.

    python benchmarks/linear_probe.py --images ../shared/data/fruits-360

prints a table and writes it to benchmarks/results/linear_probe.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from whole_run import kedro_run, write_results


def extract(images: str, weights: str) -> tuple[pd.DataFrame, str]:
    """Features of all photos by ``kedro run``, and their fingerprint."""
    with tempfile.TemporaryDirectory() as store:
        params = {"images": images, "extraction.weights": weights}
        kedro_run(Path(store), "--to-nodes", "count_extracted", **params)
        frame = pd.read_parquet(Path(store, "04_feature/extracted_features"))
        info = json.loads(Path(store, "06_models/backbone_info.json").read_text())
    return frame[frame["features"].notna()].reset_index(drop=True), info["fingerprint"]


def probe(train: pd.DataFrame, test: pd.DataFrame, target: str) -> tuple[float, float]:
    """Macro-F1 and accuracy of a logistic regression on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(np.stack(train["features"]), train[target])
    found = model.predict(np.stack(test["features"]))
    return f1_score(test[target], found, average="macro"), accuracy_score(test[target], found)


def digests(rows: pd.DataFrame, root: str) -> np.ndarray:
    """The sha256 of each photo's file."""
    return np.array([hashlib.sha256(Path(root, p).read_bytes()).hexdigest() for p in rows["path"]])


def merge_twins(rows: pd.DataFrame, files: np.ndarray) -> pd.Series:
    """Labels, of which those that share a photo, byte for byte, are taken as one.

    Fruits-360 has the same fruits under two names: nothing can tell such labels apart.
    """
    name = {label: label for label in rows["label"].unique()}
    for labels in rows["label"].groupby(files).unique():
        first = name[min(labels)]
        for label in labels:
            name |= {other: first for other, now in name.items() if now == name[label]}
    return rows["label"].map(name)


def score(rows: pd.DataFrame, root: str) -> tuple[list[float], int]:
    """The figures of one line of the table, and how many Training photos were left out.

    A Training photo that also lies in Test, byte for byte, is left out: it would be learned by
    heart, here even under another name.
    """
    files = digests(rows, root)
    is_test = (rows["split"] == "Test").to_numpy()
    leaks = ~is_test & np.isin(files, files[is_test])
    merged = rows.assign(label=merge_twins(rows, files))
    figures = []
    for table in (rows, merged):
        figures += probe(table[~is_test & ~leaks], table[is_test], "label")
    with_leaks, _ = probe(rows[~is_test], rows[is_test], "label")
    return [*figures[:3], with_leaks, unseen_varieties(rows[~leaks])], int(leaks.sum())


def unseen_varieties(rows: pd.DataFrame) -> float:
    """Macro-F1 of the fruit (first word of the label) on the half of varieties not fitted on.

    Both halves take both parts; the two scores are averaged.
    """
    rows = rows.assign(fruit=rows["label"].str.split().str[0])
    varieties = rows.drop_duplicates("label").sort_values("label")
    half = varieties.groupby("fruit").cumcount().to_numpy() % 2
    half_of = dict(zip(varieties["label"], half))
    halves = rows["label"].map(half_of)
    train, test = rows["split"] == "Training", rows["split"] == "Test"
    scores = [
        probe(rows[train & (halves == h)], rows[test & (halves != h)], "fruit") for h in (0, 1)
    ]
    return float(np.mean([f1 for f1, _ in scores]))


def main() -> None:
    """Extract, probe, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of photos")
    parser.add_argument("--weights", nargs="+", default=["imagenet", "embedded"])
    arguments = parser.parse_args()
    root = str(Path(arguments.images).resolve())
    lines = []
    for weights in arguments.weights:
        rows, fingerprint = extract(root, weights)
        figures, leaks = score(rows, root)
        cells = " | ".join(f"{figure:.4f}" for figure in figures)
        lines.append(f"| {weights} (`{fingerprint}`) | {cells} |")
        print(lines[-1], flush=True)
    splits = rows["split"].value_counts()
    table = [
        f"{splits['Training'] - leaks:,} Training photos ({leaks} left out that also lie in Test) "
        f"and {splits['Test']:,} Test photos of {rows['label'].nunique()} varieties; "
        f"logistic regression on standardised features; {time.strftime('%Y-%m-%d')}.",
        "",
        "| weights | macro-F1 of the variety | accuracy | macro-F1, labels that share photos taken "
        "as one | macro-F1 of the variety, none left out | macro-F1 of the fruit, on varieties the "
        "probe has not seen |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]
    write_results("linear_probe", "Linear probe", table)


if __name__ == "__main__":
    main()
