"""What a curation finds of what was planted among real photos, beside imagededup and CleanVision.

    python benchmarks/curation_planted.py --images <Training|Test/<label>/> [--peers <python>]

plants copies (saved again at quality 60, resized to 80 %, cropped by 3 %, mirrored), wrong labels
and faults of quality, runs the pipeline, labels a few photos by k-centre and at random, and writes
benchmarks/results/curation_planted.md. ``--peers`` is the Python of an environment that has
imagededup and cleanvision; without it, their rows are left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image, ImageFilter, ImageOps
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from whole_run import kedro_run, usable_cores, write_results

from fruits_kedro.curation.k_centre import k_centre
from fruits_kedro.curation.label_issues import find_label_issues
from fruits_kedro.curation.neighbours import find_neighbours
from fruits_kedro.curation.vectors import Vectors, normalised

EACH, SEEDS, LABELLED = 200, range(5), 300
FLAGS = ("blurry", "dark", "light", "low_information", "odd_size")


def cropped(image: Image.Image) -> Image.Image:
    """The photo without 3 % of its width and height, at a random side."""
    dx, dy = (max(1, round(0.03 * length)) for length in image.size)
    left, top = random.randint(0, dx), random.randint(0, dy)
    return image.crop((left, top, image.width - dx + left, image.height - dy + top))


COPIES: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "saved at quality 60": (lambda image: image, 60),
    "resized to 80 %": (
        lambda image: image.resize(tuple(round(0.8 * n) for n in image.size), 1),
        95,
    ),
    "cropped by 3 %": (cropped, 95),
    "mirrored": (ImageOps.mirror, 95),
}
FAULTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(4)),
    "dark": lambda image: image.point(lambda value: value // 12),
    "bright": lambda image: image.point(lambda value: 255 - (255 - value) // 30),
    "tiny": lambda image: image.resize((8, 8)),
    "one colour": lambda image: Image.new("RGB", image.size, (120, 160, 90)),
}


def plant(images: Path, folder: Path, each: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links to all photos, copies and faulty ones beside them: ``kind, original, path`` of both."""
    photos = sorted(path.relative_to(images) for path in images.rglob("*.jpg"))
    for path in photos:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(images / path)
    random.seed(0)
    chosen = iter(random.sample(photos, each * len(COPIES) + each // 4 * len(FAULTS)))
    rows: dict[bool, list[tuple[str, str, str]]] = {True: [], False: []}
    jobs = [(True, kind, *make, each) for kind, make in COPIES.items()]
    jobs += [(False, kind, change, 95, each // 4) for kind, change in FAULTS.items()]
    for is_copy, kind, change, quality, n in jobs:
        for original in itertools.islice(chosen, n):
            path = original.with_name(f"{kind.split()[0]}_{original.name}")
            image = Image.open(images / original).convert("RGB")
            change(image).save(folder / path, quality=quality)
            rows[is_copy].append((kind, str(original), str(path)))
    columns = ["kind", "original", "path"]
    return tuple(pd.DataFrame(rows[one], columns=columns) for one in (True, False))


def pairs_of(groups: Iterable[Iterable[str]]) -> set[frozenset[str]]:
    """All pairs within groups."""
    return {frozenset(pair) for one in groups for pair in itertools.combinations(one, 2)}


def copies_row(name: str, pairs: set[frozenset[str]], copies: pd.DataFrame) -> str:
    """Recall of each kind, and how many of the pairs are planted ones."""
    planted = [frozenset(pair) for pair in zip(copies["original"], copies["path"])]
    found = pd.Series([pair in pairs for pair in planted]).groupby(copies["kind"]).mean()
    cells = " | ".join(f"{found[kind]:.3f}" for kind in COPIES)
    share = sum(pair in pairs for pair in planted) / max(len(pairs), 1)
    return f"| {name} | {cells} | {len(pairs):,} | {share:.3f} |"


PEERS = """
import itertools, json, sys, time
from pathlib import Path
import numpy as np
folder, features, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))
found = {}
from imagededup import methods
def by(name, method, maps, **how):
    pairs = method.find_duplicates(encoding_map=maps, num_dist_workers=0, **how)
    found[name] = sorted({tuple(sorted((a, b))) for a, bs in pairs.items() for b in bs})
for name in ("PHash", "DHash", "WHash", "AHash"):
    method = getattr(methods, name)()
    maps = {file: method.encode_image(image_file=str(folder / file)) for file in files}
    by(f"imagededup {name}, distance 10 (its default)", method, maps, max_distance_threshold=10)
    by(f"imagededup {name}, distance 0", method, maps, max_distance_threshold=0)
cnn = methods.CNN.__new__(methods.CNN)  # its own weights need the internet
from imagededup.utils.logger import return_logger
cnn.logger, cnn.verbose, cnn.model_config = return_logger("cnn"), False, None
stored = np.load(features, allow_pickle=True)
maps = {path: row for path, row in zip(stored["paths"].tolist(), stored["rows"])}
for threshold in (0.9, 0.99):
    default = " (its default)" if threshold == 0.9 else ""
    try:
        by(f"imagededup CNN with MobileNetV2's features, cosine {threshold}{default}", cnn, maps,
           min_similarity_threshold=threshold)
    except Exception as error:
        print("CNN", error, file=sys.stderr)
from cleanvision import Imagelab
lab = Imagelab(filepaths=[str(folder / file) for file in files])
lab.find_issues(n_jobs=2, verbose=False)
pairs = set()
for kind in ("exact_duplicates", "near_duplicates"):
    for group in lab.info[kind]["sets"]:
        names = sorted(str(Path(one).relative_to(folder)) for one in group)
        pairs |= set(itertools.combinations(names, 2))
found["CleanVision"] = sorted(pairs)
issues = lab.issues.rename(index=lambda one: str(Path(one).relative_to(folder)))
flags = {c[3:-6]: issues.index[issues[c]].tolist() for c in issues if c.startswith("is_")}
json.dump({"pairs": found, "flags": flags}, open(out, "w"))
"""


def measure_planted(images: Path, peers: str | None, work: Path) -> list[str]:
    """Copies and faults of quality: tables."""
    folder, store = work / "photos", work / "store"
    copies, faults = plant(images, folder, EACH)
    kedro_run(store, "--pipelines", "ingestion,extraction,curation", images=folder)
    duplicates = pd.read_csv(store / "08_reporting/duplicates.csv")
    ours = pairs_of(duplicates.groupby("group")["path"].agg(list))
    theirs: dict[str, dict[str, list]] = {"pairs": {}, "flags": {}}
    if peers:
        extracted = pq.read_table(store / "04_feature/extracted_features").to_pandas()
        np.savez(work / "f.npz", paths=extracted["path"], rows=np.stack(extracted["features"]))
        found = work / "peers.json"
        subprocess.run([peers, "-c", PEERS, folder, work / "f.npz", found], check=True)
        theirs = json.loads(found.read_text())
    lines = [
        f"| | {' | '.join(COPIES)} | pairs | share of them that were planted |",
        f"| --- |{' ---: |' * (len(COPIES) + 2)}",
        copies_row("near duplicates", ours, copies),
        *(copies_row(n, set(map(frozenset, p)), copies) for n, p in theirs["pairs"].items()),
    ]
    quality = pq.read_table(store / "07_model_output/image_quality").to_pandas().set_index("path")
    ours_of = {flag: quality["flags"].str.contains(flag) for flag in FLAGS}
    any_flag = pd.concat(ours_of.values(), axis=1).any(axis=1)
    lines += [
        "",
        "| fault | photos | flagged | flagged by CleanVision |",
        "| --- |" + " ---: |" * 3,
    ]
    flagged = set().union(*(theirs["flags"].get(flag, []) for flag in FLAGS))
    for kind, paths in faults.groupby("kind", sort=False)["path"]:
        of_peer = f"{paths.isin(flagged).mean():.3f}" if peers else ""
        lines.append(f"| {kind} | {len(paths)} | {any_flag[paths].mean():.3f} | {of_peer} |")
    if peers:
        lines += ["", "| flag | ours | CleanVision's | photos on which both agree |"]
        lines.append("| --- | ---: | ---: | ---: |")
        for flag, own in ours_of.items():
            other = own.index.isin(theirs["flags"].get(flag, []))
            share = (own == other).mean()
            lines.append(f"| `{flag}` | {own.sum()} | {other.sum()} | {share:.4f} |")
    return lines


def measure_labels(images: Path, work: Path) -> list[str]:
    """Wrong labels; and a few labels by k-centre and at random."""
    store = work / "labels"
    kedro_run(store, "--pipelines", "ingestion,extraction", images=images)
    photos = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    photos = photos[photos["error"].isna()].sort_values("path", ignore_index=True)
    matrix = normalised(np.stack(photos.pop("features")))
    vectors = Vectors(photos, matrix)
    neighbours = find_neighbours(vectors, 10, 10**6, 1, 0).indices
    labels, recalls = photos["label"].to_numpy(), []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(photos), len(photos) // 20, replace=False)
        wrong = labels.copy()
        for row in rows:
            wrong[row] = rng.choice(np.setdiff1d(np.unique(labels), labels[row]))
        issues = find_label_issues(Vectors(photos.assign(label=wrong), matrix), neighbours)
        first = set(issues["path"].head(len(rows)))
        recalls.append(photos["path"][rows].isin(first).mean())
    lines = [
        f"{len(rows):,} of {len(photos):,} labels set to another one: "
        f"{', '.join(f'{one:.3f}' for one in recalls)} of them are among the first "
        f"{len(rows):,} label issues (seeds {SEEDS[0]} to {SEEDS[-1]}).",
    ]
    training = np.flatnonzero(photos["split"] == "Training")
    test = np.flatnonzero(photos["split"] == "Test")
    scores: dict[str, list[float]] = {"k-centre": [], "at random": []}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        some = np.sort(rng.choice(training, len(training) * 9 // 10, replace=False))
        chosen = {"k-centre": k_centre(vectors, some, LABELLED)}
        chosen["at random"] = rng.choice(some, LABELLED, replace=False)
        for name, rows in chosen.items():
            model = LogisticRegression(C=100, max_iter=500).fit(matrix[rows], labels[rows])
            predicted = model.predict(matrix[test])
            scores[name].append(f1_score(labels[test], predicted, average="macro"))
    lines += ["", f"| {LABELLED} labels | macro-F1 on Test, seed by seed | mean |"]
    lines.append("| --- | --- | ---: |")
    for name, values in scores.items():
        each = ", ".join(f"{one:.3f}" for one in values)
        lines.append(f"| {name} | {each} | {np.mean(values):.3f} |")
    gain = np.subtract(*scores.values())
    margin = 2.776 * gain.std(ddof=1) / np.sqrt(len(gain))  # Student's t, 4 degrees of freedom
    low, high = gain.mean() - margin, gain.mean() + margin
    return [*lines, "", f"Gain: {gain.mean():.3f} (95 % interval {low:.3f} to {high:.3f})."]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--peers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        planted = measure_planted(given.images.resolve(), given.peers, Path(work))
        labels = measure_labels(given.images.resolve(), Path(work))
    table = [f"{usable_cores()} cores, {time.strftime('%Y-%m-%d')}.", "", *planted, "", *labels]
    write_results("curation_planted", "What a curation finds", table)


if __name__ == "__main__":
    main()
