"""What each chapter of the report says and shows, from what a store holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fruits_kedro.classification.protocols import BASELINES, PROTOCOLS
from fruits_kedro.reports.html.contents import Contents, core_hours, macro_f1
from fruits_kedro.reports.html.figures import confusion_matrix, scree
from fruits_kedro.reports.html.galleries import Photo, find_galleries
from fruits_kedro.reports.html.texts import Texts
from fruits_kedro.reports.tables import flat

_TYPICAL, _ODD = (5, 700), (3, 300)  # photos of a label, and of all labels together
_ENDS, _PAIRS, _MODELS = 6, 24, 12
_STAGES = ("ingestion", "extraction", "reduction")


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
            "baseline": name.partition(".")[0] in BASELINES,
            "scores": [macro_f1(summary, protocol, name) for protocol in PROTOCOLS],
        }
        for name in order
    ]
    found = summary["confusion"]
    weakest = sorted(summary["f1"].items(), key=lambda item: (item[1], item[0]))[:_MODELS]
    return {
        "models": models,
        "reason": t("classification.turned" if summary["turned"] else "classification.may_be"),
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
