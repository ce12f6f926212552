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
import shutil
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
from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.features.rows import normalised

EACH, FAULTY, SEEDS, LABELLED = 200, 50, range(5), 300
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


def copy_photos(images: Path, folder: Path) -> list[Path]:
    """All photos, copied; their paths below both folders."""
    photos = sorted(path.relative_to(images) for path in images.rglob("*.jpg"))
    for path in photos:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(images / path, folder / path)
    random.seed(0)
    return photos


def plant_copies(images: Path, folder: Path) -> pd.DataFrame:
    """All photos, and changed copies of some beside them: ``kind, original, path``."""
    chosen = iter(random.sample(copy_photos(images, folder), EACH * len(COPIES)))
    rows = []
    for kind, (change, quality) in COPIES.items():
        for original in itertools.islice(chosen, EACH):
            path = original.with_name(f"{kind.split()[0]}_{original.name}")
            image = Image.open(images / original).convert("RGB")
            change(image).save(folder / path, quality=quality)
            rows.append((kind, str(original), str(path)))
    return pd.DataFrame(rows, columns=["kind", "original", "path"])


def plant_faults(images: Path, folder: Path) -> pd.DataFrame:
    """All photos, some of which are at fault: ``kind, path``."""
    chosen = iter(random.sample(copy_photos(images, folder), FAULTY * len(FAULTS)))
    rows = []
    for kind, change in FAULTS.items():
        for path in itertools.islice(chosen, FAULTY):
            image = Image.open(images / path).convert("RGB")
            change(image).save(folder / path, quality=95)
            rows.append((kind, str(path)))
    return pd.DataFrame(rows, columns=["kind", "path"])


def pairs_of(groups: Iterable[Iterable[str]]) -> set[frozenset[str]]:
    """All pairs within groups."""
    return {frozenset(pair) for one in groups for pair in itertools.combinations(one, 2)}


def copies_row(name: str, planted: list[bool], pairs: int, copies: pd.DataFrame) -> str:
    """Recall of each kind, and how many of the pairs are planted ones."""
    found = pd.Series(planted).groupby(copies["kind"]).mean()
    cells = " | ".join(f"{found[kind]:.3f}" for kind in COPIES)
    return f"| {name} | {cells} | {pairs:,} | {sum(planted) / max(pairs, 1):.4f} |"


PEERS = """
import itertools, json, sys
from pathlib import Path
import numpy as np
folder, features, copies, out = Path(sys.argv[1]), *sys.argv[2:]
files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))
planted = [tuple(sorted(pair)) for pair in json.loads(Path(copies).read_text())]
found = {}
from imagededup import methods
from imagededup.utils.logger import return_logger
def by(name, method, maps, **how):
    lists = method.find_duplicates(encoding_map=maps, **how)
    pairs = sum(map(len, lists.values())) // 2
    found[name] = [b in lists[a] or a in lists[b] for a, b in planted], pairs
for name in ("PHash", "DHash"):
    method = getattr(methods, name)()
    maps = {file: method.encode_image(image_file=str(folder / file)) for file in files}
    for distance in (10, 0):
        by(f"imagededup {name}, distance {distance}", method, maps,
           max_distance_threshold=distance, num_dist_workers=0)
cnn = methods.CNN.__new__(methods.CNN)  # to get its own weights it needs the internet
cnn.logger, cnn.verbose = return_logger("cnn"), False
stored = np.load(features, allow_pickle=True)
maps = dict(zip(stored["paths"].tolist(), stored["rows"]))
for cosine in (0.9, 0.99):
    by(f"imagededup CNN with MobileNetV2's features, cosine {cosine}", cnn, maps,
       min_similarity_threshold=cosine, num_sim_workers=0)
json.dump(found, open(out, "w"))
"""

CLEANVISION = """
import itertools, json, sys
from pathlib import Path
from cleanvision import Imagelab
folder, out = Path(sys.argv[1]), sys.argv[2]
lab = Imagelab(filepaths=sorted(map(str, folder.rglob("*.jpg"))))
lab.find_issues(n_jobs=2, verbose=False)
named = lambda one: str(Path(one).relative_to(folder))
kinds = ("exact_duplicates", "near_duplicates")
groups = [list(map(named, group)) for kind in kinds for group in lab.info[kind]["sets"]]
issues = lab.issues.rename(index=named)
flags = {c[3:-6]: issues.index[issues[c]].tolist() for c in issues if c.startswith("is_")}
json.dump({"groups": groups, "flags": flags}, open(out, "w"))
"""


def ask(python: str, script: str, *arguments: Path) -> dict:
    """What a script of another environment writes into the last of its arguments."""
    out = arguments[0].parent / "answer.json"
    command = [python, "-c", script, *map(str, arguments), str(out)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return json.loads(out.read_text())


def measure_copies(images: Path, peers: str | None, work: Path) -> list[str]:
    """Copies that are found, and other pairs: a table."""
    folder, store = work / "copies", work / "store"
    copies = plant_copies(images, folder)
    kedro_run(store, "--pipelines", "ingestion,extraction,curation", images=folder)
    duplicates = pd.read_csv(store / "08_reporting/duplicates.csv")
    planted = [frozenset(pair) for pair in zip(copies["original"], copies["path"])]

    def row(name: str, groups: Iterable[Iterable[str]]) -> str:
        pairs = pairs_of(groups)
        return copies_row(name, [pair in pairs for pair in planted], len(pairs), copies)

    lines = [
        f"| | {' | '.join(COPIES)} | pairs | share of them that were planted |",
        f"| --- |{' ---: |' * (len(COPIES) + 2)}",
        row("`duplicates`", duplicates.groupby("group")["path"].agg(list)),
    ]
    if peers:
        extracted = pq.read_table(store / "04_feature/extracted_features").to_pandas()
        np.savez(work / "f.npz", paths=extracted["path"], rows=np.stack(extracted["features"]))
        (work / "planted.json").write_text(copies[["original", "path"]].to_json(orient="values"))
        found = ask(peers, PEERS, folder, work / "f.npz", work / "planted.json")
        lines += [copies_row(name, *answer, copies) for name, answer in found.items()]
        lines.append(row("CleanVision", ask(peers, CLEANVISION, folder)["groups"]))
    return lines


def measure_faults(images: Path, peers: str | None, work: Path) -> list[str]:
    """Faults of quality that are flagged, and other photos: tables."""
    folder, store = work / "faults", work / "store of faults"
    faults = plant_faults(images, folder)
    kedro_run(store, "--pipelines", "ingestion,extraction,curation", images=folder)
    quality = pq.read_table(store / "07_model_output/image_quality").to_pandas().set_index("path")
    ours = {f: quality["flags"].str.split(", ").map(lambda one, f=f: f in one) for f in FLAGS}
    flags = ask(peers, CLEANVISION, folder)["flags"] if peers else {}
    theirs = {
        flag: pd.Series(quality.index.isin(flags.get(flag, [])), quality.index) for flag in FLAGS
    }
    lines = ["| fault | photos | flags | CleanVision's flags |", "| --- | ---: | --- | --- |"]
    for kind, paths in faults.groupby("kind", sort=False)["path"]:
        shown = [
            ", ".join(
                f"{flag} {found[paths].sum()}" for flag, found in one.items() if found[paths].any()
            )
            for one in (ours, theirs)
        ]
        lines.append(f"| {kind} | {len(paths)} | {' | '.join(shown)} |")
    lines += ["", "| flag | photos | CleanVision's | share of photos on which both agree |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for flag, own in ours.items():
        share = (own == theirs[flag]).mean()
        lines.append(f"| {flag} | {own.sum()} | {theirs[flag].sum()} | {share:.4f} |")
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
        images = given.images.resolve()
        copies = measure_copies(images, given.peers, Path(work))
        faults = measure_faults(images, given.peers, Path(work))
        labels = measure_labels(images, Path(work))
    table = [f"{usable_cores()} cores, {time.strftime('%Y-%m-%d')}.", ""]
    table += [*copies, "", *faults, "", *labels]
    write_results("curation_planted", "What a curation finds", table)


if __name__ == "__main__":
    main()
