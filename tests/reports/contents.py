"""What a report is made from, drawn for tests."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from fruits_kedro.curation.photo_map import Placed, find_examples, map_table, place_photos
from fruits_kedro.reports.html.contents import Contents

COLUMNS = {
    "leaks": ["path", "label", "other_path", "other_label", "other_split", "kind"],
    "duplicates": ["group", "kind", "path", "split", "label", "labels", "splits"],
    "label_issues": ["path", "split", "label", "predicted", "label_score", "predicted_score"],
    "outliers": ["path", "split", "label", "deviations"],
    "quality_issues": ["path", "split", "label", "flags"],
}
REJECTED = ["path", "split", "label", "stage", "reason", "detail"]


def picture(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def table(name, rows, total=None):
    columns = COLUMNS.get(name, REJECTED)
    return {"columns": columns, "rows": rows, "total": len(rows) if total is None else total}


def make_photos(labels, each):
    """``path, split, label`` of photos: every fourth is in Test."""
    rows = [
        ("Test" if i % 4 == 0 else "Training", label, f"{label.replace('/', '|')}/{i}.jpg")
        for label in labels
        for i in range(each)
    ]
    return pd.DataFrame(
        [(f"{split}/{name}", split, label) for split, label, name in rows],
        columns=["path", "split", "label"],
    )


def make_contents(labels=("Apple 1", "Kiwi", "Pear"), each=8, place=True, **changes):
    """Contents and the pictures of its photos."""
    photos = make_photos(labels, each)
    rng = np.random.default_rng(0)
    codes = pd.factorize(photos["label"])[0]
    centres = rng.normal(size=(len(labels), 6)) * 4
    scores = (centres[codes] + rng.normal(size=(len(photos), 6))).astype(np.float32)
    pictures = {p: picture(tuple(rng.integers(0, 255, 3).tolist())) for p in photos["path"]}
    k = min(10, len(photos) - 1)
    placed = (
        place_photos(scores, 0)
        if place
        else Placed(
            scores[:, :2],
            (np.arange(len(photos))[:, None] + np.arange(1, k + 1)) % len(photos),
            np.ones((len(photos), k), np.float32),
        )
    )
    shares = np.array([0.5, 0.2, 0.1, 0.08, 0.05, 0.03])
    variance = pd.DataFrame(
        {
            "component": np.arange(1, 7),
            "variance_explained": shares,
            "cumulative_variance": shares.cumsum(),
        }
    )
    counts = photos.groupby(["split", "label"]).size().rename("images").reset_index()
    run = {
        "subset": "full",
        "counts": {
            "images": len(photos),
            "features": len(photos),
            "rejected": 0,
            "extracted": len(photos),
        },
        "backbone": {"name": "mobilenetv2", "n_features": 1280, "weights": "imagenet"},
        "pca": {"n_components": 0.95, "standardize": False, "k": 6, "variance_kept": 0.96},
        "versions": {"fruits-kedro": "0.2.0"},
        "stages": {"extraction": {"seconds": 36.0, "images_per_s": 400.0}},
        "cores": 2,
        "command": "kedro run --params images=/photos",
    }
    found = {
        "images": "/data/my fruits",
        "counts": counts,
        "run": run,
        "variance": variance,
        "photo_map": map_table(photos, placed, pictures),
        "examples": find_examples(scores, photos["path"], photos["label"], 6, 6),
        "rejected": table("rejected", []),
        "curation": None,
        "classification": None,
    }
    return Contents(**found | changes), pictures


def curated(photos, **tables):
    """The summary of a curation that has found these rows."""
    found = {name: table(name, tables.get(name, [])) for name in COLUMNS}
    return {
        "info": {
            "duplicates": {"across_labels": len({r[0] for r in tables.get("duplicates", [])})},
            "leaks": len(tables.get("leaks", [])),
            "label_issues": {"photos": len(tables.get("label_issues", []))},
            "parameters": {"near": 1.2},
        },
        "tables": found,
    }


def classified(labels, mistakes=(), unseen=0.75):
    """The summary of a classification with so many mistakes of label for label."""
    confused = sorted({one for a, b, _, _ in mistakes for one in (a, b)})
    counts = [[10 if a == b else 0 for b in confused] for a in confused]
    for a, b, n, _ in mistakes:
        counts[confused.index(a)][confused.index(b)] = n
    score = {"value": 0.9, "low": 0.85, "high": 0.95}
    models = {
        "logistic_regression.features": {"f1_macro": score},
        "majority_class.features": {"f1_macro": {"value": 0.1, "low": None, "high": None}},
    }
    other = {"logistic_regression.features": {"f1_macro": score | {"value": unseen}}}
    return {
        "turned": True,
        "fruits": 2,
        "best": "logistic_regression.features",
        "protocols": {
            "in_distribution": {"models": models},
            "leave_one_variety_out": {"models": other} if unseen else {"not_measured": "few"},
        },
        "settings": {"logistic_regression.features": {"maxIter": 30}},
        "f1": {label: 0.5 if label in confused else 1.0 for label in labels},
        "confusion": {
            "labels": confused,
            "counts": counts,
            "support": [sum(row) for row in counts],
            "clean": len(labels) - len(confused),
            "left_out": 0,
        },
        "pairs": [
            {"label": a, "predicted": b, "images": n, "share": n / (10 + n), "path": path}
            | {"typical": None}
            for a, b, n, path in mistakes
        ],
        "mistakes": {path: b for _, b, _, path in mistakes},
    }
