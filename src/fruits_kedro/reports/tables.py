"""The table at the end of a run: results, where to look, what to do next, seconds."""

from __future__ import annotations

import math
import shlex
import textwrap
from typing import TYPE_CHECKING, Any

from fruits_kedro.config.template import as_typed, in_project
from fruits_kedro.features.status import count_pending

if TYPE_CHECKING:
    import pandas as pd

Rows = list[tuple[str, str]]
NEXT = "Next"
MAKE_ANEW = "Make anew"
_INDENT = 2


def format_tables(tables: dict[str, Rows], width: int) -> str:
    """Tables of names and texts as text, one below the other.

    Long words such as paths, and all of ``NEXT``'s commands, stay whole, so that they can be
    copied.

    Args:
        tables: rows by title; a title without rows is left out.
        width: of the screen, in characters.
    """
    names = [name for rows in tables.values() for name, _ in rows]
    start = _INDENT + max(map(len, names), default=0) + 2
    lines = []
    for title, rows in tables.items():
        if rows:
            lines += ["", title]
        for name, text in rows:
            room = len(text) if title in (NEXT, MAKE_ANEW) else width - start
            wrapped = textwrap.wrap(
                text, max(room, 20), break_long_words=False, break_on_hyphens=False
            )
            lines += [
                f"{' ' * _INDENT}{name if i == 0 else '':<{start - _INDENT}}{line}"
                for i, line in enumerate(wrapped)
            ]
    return "\n".join(lines)


def result_rows(saved: dict[str, Any]) -> Rows:
    """The results of a run in figures, from the datasets it saved (by name)."""
    return [row for name, rows in _ROWS_OF.items() if name in saved for row in rows(saved[name])]


def _photos(class_counts: pd.DataFrame) -> Rows:
    by_split = class_counts.groupby("split")["images"].sum()
    splits = ", ".join(f"{n:,} {split}" for split, n in by_split.items())
    labels = class_counts["label"].nunique()
    return [("photos", f"{by_split.sum():,} of {labels:,} labels: {splits}")]


def _extracted(extraction_plan: dict[str, int]) -> Rows:
    done, gone = extraction_plan["done"], extraction_plan["gone"]
    rows = [("extracted", f"{count_pending(extraction_plan):,} now, {done:,} in earlier runs")]
    if again := extraction_plan["other_backbone"]:
        rows.append(("", f"{again:,} of these again, with another backbone"))
    if kept := extraction_plan["kept"]:
        rows.append(("kept", f"{kept:,} photos outside the subset keep their features"))
    if gone:
        rows.append(("removed", f"{gone:,} photos that left the input root"))
    return rows


def _rejected(extraction_info: dict[str, Any]) -> Rows:
    counts = extraction_info["counts"]
    rows = [("usable", f"{counts['features']:,}"), ("rejected", f"{counts['rejected']:,}")]
    return rows + [("", f"{n:,} {reason}") for reason, n in counts["rejected_by_reason"].items()]


def _backbone(backbone_info: dict[str, Any]) -> Rows:
    size, weights = backbone_info["n_features"], backbone_info["weights"]
    made = f"{size:,} features a photo, {weights} weights ({backbone_info['fingerprint']})"
    return [("backbone", made)]


def _components(explained_variance: pd.DataFrame) -> Rows:
    kept = explained_variance["cumulative_variance"].iloc[-1]
    return [("components", f"{len(explained_variance)} keep {kept:.1%} of the variance")]


def _training(pretraining_info: dict[str, Any]) -> Rows:
    images, last = pretraining_info["images"], pretraining_info["last_epoch"]
    rows = [
        ("photos", f"{images['fit']:,} to fit, {images['validation']:,} to validate"),
        ("unusable", f"{pretraining_info['unusable']:,}"),
        ("epochs", f"{last['epoch']} in {pretraining_info['seconds']:,.0f} s"),
    ]
    for name, text in {"accuracy": "accuracy", "val_accuracy": "validation accuracy"}.items():
        if name in last:
            rows.append((text, f"{last[name]:.1%}"))
    return [*rows, ("fingerprint", pretraining_info["fingerprint"])]


def _packing(packing_info: dict[str, Any]) -> Rows:
    images, files = packing_info["images"], packing_info["files"]
    return [("photos", f"{images:,}, {packing_info['bytes'] / 1e6:,.1f} MB in {files:,} files")]


def _curation(curation_info: dict[str, Any]) -> Rows:
    found, neighbours = curation_info["duplicates"], curation_info["neighbours"]
    how = "of all pairs"
    if neighbours["method"] == "incremental":
        how = "those of before and of what has changed"
    elif neighbours["method"] != "exact":
        share, sample = neighbours["recall"], neighbours["sampled"]
        how = f"by an index that finds {share:.1%} of them (on {sample} photos)"
    clusters = f"{curation_info['clusters']['clusters']:,}"
    if (purity := curation_info["clusters"]["purity"]) is not None:
        clusters += f", on average {purity:.0%} of one label"
    flags = {name.replace("_", " "): n for name, n in curation_info["quality_issues"].items() if n}
    issues = ", ".join(f"{n:,} {name}" for name, n in flags.items())
    chosen = curation_info["selection"]
    reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in chosen["left_out"].items())
    duplicates = [("duplicates", "none")]
    if found["groups"]:
        of_them = {"near": "nearly the same photo", "across_labels": "of more than one label"}
        duplicates = [
            ("duplicates", f"{found['photos']:,} photos in {found['groups']:,} groups"),
            *(("", f"{found[n]:,} groups are {text}") for n, text in of_them.items() if found[n]),
        ]
    return [
        ("photos", f"{curation_info['photos']:,}"),
        ("neighbours", f"the {neighbours['k']} most similar photos of each, {how}"),
        *duplicates,
        ("leaks", f"{curation_info['leaks']:,} photos of Test or Validation that Training has"),
        ("outliers", f"{curation_info['outliers']:,} photos unlike all others of their label"),
        ("label issues", f"{curation_info['label_issues']['photos']:,} photos"),
        ("quality", issues or "nothing unusual"),
        ("clusters", clusters),
        ("selection", f"{chosen['selected']:,} photos; left out: {reasons or 'none'}"),
    ]


_ROWS_OF = {
    "curation_info": _curation,
    "packing_info": _packing,
    "class_counts": _photos,
    "extraction_plan": _extracted,
    "extraction_info": _rejected,
    "backbone_info": _backbone,
    "explained_variance": _components,
    "pretraining_info": _training,
}
FIGURES = (*_ROWS_OF, "classification_metrics", "model_info")


def score_tables(metrics: dict[str, Any]) -> dict[str, Rows]:
    """Macro-F1 of each classifier: on Test, on varieties left out, and notes."""
    tables: dict[str, Rows] = {}
    names = list(next(iter(metrics["protocols"].values()))["models"])
    for where, protocol in zip(("Test", "unseen varieties"), metrics["protocols"].values()):
        tables[f"Macro-F1 on {where}, with 95 % intervals"] = [
            (name + " *" * (name == metrics["best"]), _macro_f1(protocol, name)) for name in names
        ]
    notes = [("*", "best in cross-validation on Training"), ("why two", metrics["reason"])]
    return tables | {"Notes": notes}


def with_interval(value: float, low: float | None, high: float | None) -> str:
    """A figure and, if it has one, its interval, in words."""
    has_interval = low is not None and not math.isnan(low)
    return f"{value:.3f}" + (f" ({low:.3f} to {high:.3f})" if has_interval else "")


def _macro_f1(protocol: dict[str, Any], name: str) -> str:
    found = protocol.get("models", {}).get(name)
    return "not measured" if found is None else with_interval(**found["f1_macro"])


def command_line(command: str, places: dict[str, str], env: str | None) -> str:
    """A command of Kedro with the places and the environment of a run, quoted for a shell."""
    params = ",".join(f"{name}={value}" for name, value in places.items())
    options = ["--env", env] if env not in (None, "local") else []
    options += ["--params", params] if params else []
    return as_typed(" ".join([f"kedro {command}", *map(shlex.quote, options)]))


def next_commands(files: dict[str, str], places: dict[str, str], env: str | None) -> Rows:
    """The commands that usually follow a run, with its locations and environment.

    Args:
        files: locations of the saved datasets.
        places: ``images`` and ``store``, if the run was given them.
    """

    def kedro(command: str, **given: str) -> str:
        return command_line(command, given, env)

    store = {name: place for name, place in places.items() if name == "store"}
    rows = []
    if "report" in files:
        if in_project():
            rows.append(("explore", kedro("viz run", **store)))
        rows.append(("curate", kedro("run --pipelines curation", **places)))
        rows.append(("classify", kedro("run --pipelines classification", **places)))
    if "classification_report" in files:
        rows.append(("predict", kedro("predict <folder of new photos>", **store)))
    if "packed_images" in files:
        packed = files["packed_images"]
        root = packed.rpartition("/01_raw/")[0]
        rows.append(("use them", kedro("run", images=packed, store=root)))
    if "pretrained_weights" in files:
        weights = {"extraction.weights": files["pretrained_weights"]}
        rows.append(("use them", kedro("run", **places | weights)))
    return rows


def time_rows(stages: dict[str, dict[str, float]], seconds: float) -> Rows:
    """Seconds of each stage and of the whole run; images/s of the extraction if it did any."""
    rows = []
    for stage, figures in stages.items():
        text = f"{figures['seconds']:.1f} s"
        if stage == "extraction" and figures["images_per_s"]:
            text += f", {figures['images_per_s']:,.0f} images/s"
        rows.append((stage, text))
    return [*rows, ("whole run", f"{seconds:,.1f} s")]
