"""The sentences on top of the report."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from fruits_kedro.classification.protocols import PROTOCOLS
from fruits_kedro.reports.html.contents import Contents, core_hours, macro_f1
from fruits_kedro.reports.html.texts import Texts

_WEAK = 0.8


def overview(contents: Contents, t: Texts) -> dict[str, Any]:
    """The sentences on top, and what needs attention."""
    run, counts = contents.run, contents.run["counts"]
    by_split = contents.counts.groupby("split")["images"].sum()
    splits = [str(t("overview.split", n=int(n), split=split)) for split, n in by_split.items()]
    labels = int(contents.counts["label"].nunique())
    backbone = run["backbone"]
    sentences = [
        t(
            "overview.photos",
            n=counts["images"],
            labels=t("overview.labels", n=labels),
            splits=", ".join(splits),
        ),
        t("overview.rejected", n=counts["rejected"])
        if counts["rejected"]
        else t("overview.none_rejected"),
        t(
            "overview.backbone",
            name=backbone["name"],
            features=backbone["n_features"],
            weights=backbone["weights"],
        ),
        t("overview.pca", n=run["pca"]["k"], variance=t.percent(run["pca"]["variance_kept"], 1)),
    ]
    return {
        "sentences": sentences,
        "scores": _scores(contents, t),
        "time": _time(run, t),
        "attention": _attention(contents, t),
    }


def _scores(contents: Contents, t: Texts) -> list[Any]:
    summary = contents.classification
    if summary is None:
        return [t("overview.no_classifier", command=contents.command("classification"))]
    found = [macro_f1(summary, protocol, summary["best"]) for protocol in PROTOCOLS]
    said = []
    for key, score in zip(("overview.best", "overview.unseen"), found):
        if score is not None:
            interval = ""
            if score["low"] is not None:
                ends = {end: t.number(score[end], 3) for end in ("low", "high")}
                interval = t("overview.interval", **ends)
            model = model_name(summary["best"], t)
            value, fruits = t.number(score["value"], 3), summary["fruits"]
            said.append(t(key, model=model, value=value, interval=interval, fruits=fruits))
    return said


def model_name(name: str, t: Texts) -> str:
    """A classifier's name in words, such as ``random forest (principal components)``."""
    model, _, inputs = name.partition(".")
    return f"{t(f'models.{model}')} ({t(f'inputs.{inputs}')})"


def _time(run: dict[str, Any], t: Texts) -> Any:
    extracted, stage = run["counts"]["extracted"], run.get("stages", {}).get("extraction")
    if not extracted or not stage:
        return t("overview.nothing_new")
    seconds, hours = t.number(stage["seconds"], 1), t.number(core_hours(run), 3)
    cores = t("overview.cores", n=run["cores"])
    return t("overview.time", seconds=seconds, n=extracted, cores=cores, hours=hours)


def _attention(contents: Contents, t: Texts) -> list[Any]:
    old = contents.run.get("out_of_date", [])
    found: list[Any] = [t(f"attention.{name}", command=contents.command(name)) for name in old]
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
        names = ", ".join(label for _, label in weak[:5]) + (" …" if len(weak) > 5 else "")
        found += [t("attention.weak", n=len(weak), labels=names)] if weak else []
    pictures = pa.compute.struct_field(contents.photo_map.column("image"), "bytes")
    if pictures.null_count:
        found.append(t("attention.pictures", n=pictures.null_count))
    return found
