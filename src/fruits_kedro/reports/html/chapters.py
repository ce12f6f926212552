"""What each chapter of the report says and shows, from what a store holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd
import pyarrow as pa

from fruits_kedro.curation.photo_map import Examples
from fruits_kedro.reports.html.figures import confusion_matrix, scree
from fruits_kedro.reports.html.galleries import Photo, find_galleries
from fruits_kedro.reports.html.texts import Texts
from fruits_kedro.reports.tables import flat

_TYPICAL, _ODD = (5, 700), (3, 300)  # photos of a label, and of all labels together
_ENDS, _PAIRS, _MODELS = 6, 24, 12
_WEAK = 0.8
_STAGES = ("ingestion", "extraction", "reduction")
PROTOCOLS = ("in_distribution", "leave_one_variety_out")
_BASELINES = ("majority_class", "nearest_centroid")


@dataclass(frozen=True)
class Contents:
    """What the report is made from: datasets of a store.

    Attributes:
        images: the folder or URL of the photos.
        counts: ``split, label, images``.
        run: the record of the run: ``model_info``.
        variance: ``component, variance_explained, cumulative_variance``.
        photo_map: ``path, split, label, x, y, neighbors, image``.
        examples: of the labels and components.
        rejected: ``columns, rows, total``.
        curation: the summary of a curation; None if there was none.
        classification: the summary of a classification; None if there was none.
    """

    images: str
    counts: pd.DataFrame
    run: dict[str, Any]
    variance: pd.DataFrame
    photo_map: pa.Table
    examples: Examples
    rejected: dict[str, Any]
    curation: dict[str, Any] | None
    classification: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The name of the photos' folder."""
        return PurePath(self.images).name or self.images


def overview(contents: Contents, t: Texts) -> dict[str, Any]:
    """The sentences on top, and what needs attention."""
    run, counts = contents.run, contents.run["counts"]
    by_split = contents.counts.groupby("split")["images"].sum()
    splits = [str(t("overview.split", n=int(n), split=split)) for split, n in by_split.items()]
    labels = int(contents.counts["label"].nunique())
    backbone = run["backbone"]
    sentences = [
        t("overview.photos", n=counts["images"], labels=labels, splits=t.listed(splits)),
        t("overview.rejected", n=counts["rejected"])
        if counts["rejected"]
        else t("overview.none_rejected"),
        t(
            "overview.backbone",
            name=backbone["name"],
            features=backbone["n_features"],
            weights=backbone["weights"],
        ),
        t("overview.pca", k=run["pca"]["k"], variance=t.percent(run["pca"]["variance_kept"], 1)),
    ]
    return {
        "sentences": sentences,
        "scores": _scores(contents.classification, t),
        "time": _time(run, t),
        "attention": _attention(contents, t),
    }


def _scores(summary: dict[str, Any] | None, t: Texts) -> list[Any]:
    if summary is None:
        return [t("overview.no_classifier")]
    found = [_macro_f1(summary, protocol, summary["best"]) for protocol in PROTOCOLS]
    said = []
    for key, score in zip(("overview.best", "overview.unseen"), found):
        if score is not None:
            interval = ""
            if score["low"] is not None:
                ends = {end: t.number(score[end], 3) for end in ("low", "high")}
                interval = t("overview.interval", **ends)
            model = model_name(summary["best"], t)
            said.append(t(key, model=model, value=t.number(score["value"], 3), interval=interval))
    return said


def _macro_f1(summary: dict[str, Any], protocol: str, model: str) -> dict[str, Any] | None:
    models = summary["protocols"].get(protocol, {}).get("models", {})
    return models.get(model, {}).get("f1_macro")


def model_name(name: str, t: Texts) -> str:
    """A classifier's name in words, such as ``random forest (principal components)``."""
    model, _, inputs = name.partition(".")
    return f"{t(f'models.{model}')} ({t(f'inputs.{inputs}')})"


def _time(run: dict[str, Any], t: Texts) -> Any:
    extracted, stage = run["counts"]["extracted"], run.get("stages", {}).get("extraction")
    if not extracted or not stage:
        return t("overview.nothing_new")
    seconds, hours = t.number(stage["seconds"], 1), t.number(core_hours(run), 3)
    return t("overview.time", seconds=seconds, n=extracted, cores=run["cores"], hours=hours)


def core_hours(run: dict[str, Any]) -> float:
    """Hours of the extraction, times its cores."""
    return float(run["stages"]["extraction"]["seconds"]) * run["cores"] / 3600


def _attention(contents: Contents, t: Texts) -> list[Any]:
    found: list[Any] = [t(f"attention.{name}") for name in contents.run.get("out_of_date", [])]
    if rejected := contents.run["counts"]["rejected"]:
        found.append(t("attention.rejected", n=rejected))
    if contents.curation:
        info = contents.curation["info"]
        several = info["duplicates"]["across_labels"]
        issues = info["label_issues"]["photos"]
        named = {"leaks": info["leaks"], "duplicates": several, "label_issues": issues}
        found += [t(f"attention.{name}", n=n) for name, n in named.items() if n]
    if contents.classification:
        scores = contents.classification["f1"]
        weak = sorted((f1, label) for label, f1 in scores.items() if f1 < _WEAK)
        names = t.listed([label for _, label in weak[:5]]) + (" …" if len(weak) > 5 else "")
        found += [t("attention.weak", n=len(weak), labels=names)] if weak else []
    pictures = pa.compute.struct_field(contents.photo_map.column("image"), "bytes")
    if pictures.null_count:
        found.append(t("attention.pictures", n=pictures.null_count))
    return found


def label_cards(contents: Contents, t: Texts) -> dict[str, Any]:
    """A card of each label, with typical and odd photos; the labels without pictures by name."""
    examples, summary = contents.examples, contents.classification
    counts: dict[str, list[str]] = {}
    for row in contents.counts.dropna(subset="label").sort_values(["label", "split"]).itertuples():
        text = str(t("labels.images", n=int(row.images), split=row.split))
        counts.setdefault(str(row.label), []).append(text)
    n = max(len(counts), 1)
    each, odd = (max(1, min(most, total // n)) for most, total in (_TYPICAL, _ODD))
    shown = list(counts)[: _TYPICAL[1]]
    issues: Counter[str] = Counter()
    if contents.curation:
        table = contents.curation["tables"]["label_issues"]
        issues.update(row[table["columns"].index("label")] for row in table["rows"])
    pairs: dict[str, dict[str, Any]] = {}
    for pair in summary["pairs"] if summary else []:
        pairs.setdefault(pair["label"], pair)
    cards = [
        {
            "label": label,
            "counts": counts[label],
            "f1": summary["f1"].get(label) if summary else None,
            "issues": issues[label],
            "typical": [Photo(path, "") for path in examples.typical.get(label, [])[:each]],
            "odd": [Photo(path, "") for path in examples.odd.get(label, [])[:odd]],
            "taken": _pair(pairs[label], t) if label in pairs else None,
        }
        for label in shown
    ]
    unlabelled = int(contents.counts.loc[contents.counts["label"].isna(), "images"].sum())
    return {"cards": cards, "others": list(counts)[len(shown) :], "unlabelled": unlabelled}


def findings(contents: Contents, t: Texts) -> dict[str, Any]:
    """Galleries and the tables behind them."""
    tables = contents.curation["tables"] if contents.curation else {}
    tables = {**tables, "rejected": contents.rejected}
    return {"galleries": find_galleries(tables, t), "tables": tables}


def components(contents: Contents, t: Texts) -> dict[str, Any]:
    """The scree plot, and the photos at the ends of the first components."""
    shares = contents.variance["variance_explained"]
    ends = [
        {
            "number": i + 1,
            "share": t.percent(share, 1),
            "low": [Photo(path, "") for path in low[:_ENDS]],
            "high": [Photo(path, "") for path in high[:_ENDS]],
        }
        for i, (share, (low, high)) in enumerate(zip(shares, contents.examples.ends))
    ]
    return {"scree": scree(contents.variance), "first": t.percent(shares.iloc[0]), "ends": ends}


def classification(contents: Contents, t: Texts) -> dict[str, Any] | None:
    """The scores, the confusion matrix and the most frequent mistakes."""
    summary = contents.classification
    if summary is None:
        return None
    known = summary["protocols"]["in_distribution"].get("models", {})
    order = sorted(known, key=lambda name: -known[name]["f1_macro"]["value"])
    models = [
        {
            "name": t(f"models.{name.partition('.')[0]}"),
            "inputs": t(f"inputs.{name.partition('.')[2]}"),
            "best": name == summary["best"],
            "baseline": name.partition(".")[0] in _BASELINES,
            "scores": [_macro_f1(summary, protocol, name) for protocol in PROTOCOLS],
        }
        for name in order
    ]
    found = summary["confusion"]
    weakest = sorted(summary["f1"].items(), key=lambda item: (item[1], item[0]))[:_MODELS]
    return {
        "models": models,
        "reason": summary["reason"],
        "matrix": confusion_matrix(found["labels"], found["counts"], found["support"]),
        "clean": found["clean"],
        "left_out": found["left_out"],
        "pairs": [_pair(pair, t) for pair in summary["pairs"][:_PAIRS]],
        "weakest": [one for one in weakest if one[1] < 1],
    }


def _pair(pair: dict[str, Any], t: Texts) -> dict[str, Any]:
    photos = [Photo(pair["path"], pair["label"])]
    if pair["typical"]:
        photos.append(Photo(pair["typical"], pair["predicted"]))
    share = t.percent(pair["share"])
    return {
        "photos": photos,
        "text": t("classification.pair", n=int(pair["images"]), share=share),
        "said": t("labels.taken", other=pair["predicted"], n=int(pair["images"]), share=share),
    }


def made(contents: Contents, t: Texts) -> dict[str, Any]:
    """How it was made: times, cost, parameters, versions."""
    run = contents.run
    stages = [(name, run["stages"][name]) for name in _STAGES if name in run.get("stages", {})]
    cost = t("made.no_cost")
    if run["counts"]["extracted"] and any(name == "extraction" for name, _ in stages):
        hours = core_hours(run)
        million = hours / run["counts"]["extracted"] * 1e6
        cost = t("made.cost", hours=t.number(hours, 3), million=t.number(million, 1))
    parameters: dict[str, Any] = {"images": contents.images, "subset": run["subset"]}
    parameters |= {f"pca.{name}": run["pca"][name] for name in ("n_components", "standardize")}
    if contents.curation:
        parameters |= flat("curation", contents.curation["info"]["parameters"])
    if contents.classification:
        parameters |= flat("classification", contents.classification["settings"])
    return {
        "stages": stages,
        "cost": cost,
        "command": run.get("command"),
        "backbone": run["backbone"],
        "parameters": parameters,
        "versions": run["versions"],
    }
