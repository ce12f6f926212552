"""The table at the end of a run: results, seconds, where to look, what to do next."""

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
NEXT = "next"
MAKE_ANEW = "make anew"
_INDENT = 2
_WORTH_TELLING = 0.05  # of the whole run


def format_table(rows: Rows, width: int) -> str:
    """Rows of names and texts as text; a row without a name belongs to the one above.

    Long words such as paths, and the commands of ``NEXT`` and ``MAKE_ANEW``, stay whole, so that
    they can be copied.

    Args:
        width: of the screen, in characters.
    """
    if not rows:
        return ""
    start = _INDENT + max(len(name) for name, _ in rows) + 2
    lines, last = ["", "Result"], ""
    for name, text in rows:
        last = name or last
        room = len(text) if last in (NEXT, MAKE_ANEW) else width - start
        wrapped = textwrap.wrap(text, max(room, 20), break_long_words=False, break_on_hyphens=False)
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
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in counts["rejected_by_reason"].items())
    return [("rejected", f"{counts['rejected']:,} ({reasons})" if reasons else "none")]


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
    flags = {name.replace("_", " "): n for name, n in curation_info["quality_issues"].items() if n}
    chosen = curation_info["selection"]
    reasons = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in chosen["left_out"].items())
    duplicates = f"{found['photos']:,} photos in {found['groups']:,} groups"
    if found["across_labels"]:
        duplicates += f", {found['across_labels']:,} of them of more than one label"
    rows = [
        ("photos", f"{curation_info['photos']:,}"),
        ("duplicates", duplicates if found["groups"] else "none"),
        ("leaks", f"{curation_info['leaks']:,} photos of Test or Validation that Training has"),
        ("outliers", f"{curation_info['outliers']:,} photos unlike all others of their label"),
        ("label issues", f"{curation_info['label_issues']['photos']:,} photos"),
        ("quality", ", ".join(f"{n:,} {name}" for name, n in flags.items()) or "nothing unusual"),
        ("selection", f"{chosen['selected']:,} photos; left out: {reasons or 'none'}"),
    ]
    if neighbours["method"] == "ivf":
        share, sample = neighbours["recall"], neighbours["sampled"]
        how = f"an index found {share:.1%} of them (on {sample} photos)"
        rows.insert(1, ("neighbours", how))
    return rows


def _scores(metrics: dict[str, Any]) -> Rows:
    """The best classifier under both protocols, beside the baselines."""
    rows = [("best", f"{_words(metrics['best'])}, by cross-validation on Training")]
    for where, protocol in zip(("Test", "unseen"), metrics["protocols"].values()):
        models = protocol.get("models", {})
        if metrics["best"] not in models:
            rows.append((where, "not measured"))
            continue
        figures = with_interval(**models[metrics["best"]]["f1_macro"])
        inputs = metrics["best"].partition(".")[2]
        others = [
            f"{_words(name)} {models[f'{name}.{inputs}']['f1_macro']['value']:.3f}"
            for name in _BASELINES
            if f"{name}.{inputs}" in models
        ]
        rows.append((where, "; ".join([f"macro-F1 {figures}", *others])))
    return [*rows, ("why two", metrics["reason"])]


def _words(name: str) -> str:
    model, _, inputs = name.replace("_", " ").partition(".")
    return f"{model} of {inputs}" if inputs else model


_BASELINES = ("nearest_centroid", "majority_class")
_ROWS_OF = {
    "curation_info": _curation,
    "packing_info": _packing,
    "class_counts": _photos,
    "extraction_plan": _extracted,
    "extraction_info": _rejected,
    "explained_variance": _components,
    "pretraining_info": _training,
    "classification_metrics": _scores,
}
FIGURES = (*_ROWS_OF, "model_info")


def with_interval(value: float, low: float | None, high: float | None) -> str:
    """A figure and, if it has one, its interval, in words."""
    has_interval = low is not None and not math.isnan(low)
    return f"{value:.3f}" + (f" ({low:.3f} to {high:.3f})" if has_interval else "")


def flat(name: str, value: Any) -> dict[str, Any]:
    """Nested settings by names with dots: ``{"pca.k": 3}`` for ``"pca", {"k": 3}``."""
    if not isinstance(value, dict):
        return {name: value}
    parts = (flat(f"{name}.{part}".lstrip("."), one) for part, one in value.items())
    return {key: one for part in parts for key, one in part.items()}


def command_line(command: str, settings: dict[str, Any], env: str | None) -> str:
    """A command of Kedro with settings and the environment of a run, quoted for a shell."""
    texts = {
        name: "+".join(map(str, value)) if isinstance(value, list) else value
        for name, value in flat("", settings).items()
    }
    params = ",".join(f"{name}={value}" for name, value in texts.items())
    options = ["--env", env] if env not in (None, "local") else []
    options += ["--params", params] if params else []
    return as_typed(" ".join([f"kedro {command}", *map(shlex.quote, options)]))


_MORE = ("curation", "classification")


def next_commands(files: dict[str, str], places: dict[str, str], env: str | None) -> Rows:
    """The commands that usually follow a run, with its locations and environment.

    Args:
        files: locations of the saved datasets.
        places: ``images`` and ``store``, if the run was given them.
    """

    def kedro(command: str, **given: str) -> str:
        return command_line(command, given, env)

    store = {name: place for name, place in places.items() if name == "store"}
    commands = []
    if "class_counts_plot" in files:  # of a whole run
        commands += [kedro(f"run --pipelines {name}", **places) for name in _MORE]
        if in_project():
            commands.append(kedro("viz run", **store))
    if "classifiers" in files:
        commands.append(kedro("predict <folder of new photos>", **store))
    if "packed_images" in files:
        packed = files["packed_images"]
        root = packed.rpartition("/01_raw/")[0]
        commands.append(kedro("run", images=packed, store=root))
    if "pretrained_weights" in files:
        weights = {"extraction.weights": files["pretrained_weights"]}
        commands.append(kedro("run", **places | weights))
    return [(NEXT if i == 0 else "", command) for i, command in enumerate(commands)]


def time_row(stages: dict[str, dict[str, float]], seconds: float) -> tuple[str, str]:
    """Seconds of the whole run and its long stages; images/s of the extraction if it did any."""
    texts = []
    long = {n: one for n, one in stages.items() if one["seconds"] > _WORTH_TELLING * seconds}
    for stage, figures in long.items():
        speed = figures["images_per_s"] if stage == "extraction" else 0
        more = f" ({speed:,.0f} images/s)" if speed else ""
        texts.append(f"{stage} {figures['seconds']:.1f}{more}")
    return "time", f"{seconds:,.1f} s" + (f": {', '.join(texts)}" if texts else "")
