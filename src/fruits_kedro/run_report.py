"""What a run took, and the short table it ends with."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from fruits_kedro.classification.metrics import with_interval
from fruits_kedro.parameters import CostParams
from fruits_kedro.prices import Prices

STAGES = ("ingestion", "extraction", "calibration", "reduction", "reporting")
_EXTRACTED = ("extraction", "calibration")  # whose work is that of the photos to extract


class StageClock:
    """Seconds of each node, from its first load to its last save, and of each stage."""

    def __init__(self) -> None:
        self.nodes: dict[str, float] = defaultdict(float)
        self._stage_of: dict[str, str] = {}
        self._started = time.perf_counter()
        self._mark: tuple[str, float] | None = None

    def touch(self, node: Any) -> None:
        """Note that this node was at work until now."""
        now = time.perf_counter()
        self._stage_of[node.name] = next((tag for tag in STAGES if tag in node.tags), "other")
        if self._mark is not None and self._mark[0] == node.name:
            self.nodes[node.name] += now - self._mark[1]
        self._mark = (node.name, now)

    @property
    def total(self) -> float:
        """Seconds since the clock was made."""
        return time.perf_counter() - self._started

    def stages(self, counts: dict[str, Any]) -> dict[str, dict[str, float]]:
        """``seconds`` and ``images_per_s`` of each stage that ran, in order.

        Args:
            counts: ``images`` of the run, and those ``extracted`` by it, which are fewer where
                an earlier run has done the others.
        """
        seconds: dict[str, float] = defaultdict(float)
        for node, share in self.nodes.items():
            seconds[self._stage_of[node]] += share
        return {
            stage: {
                "seconds": round(seconds[stage], 3),
                "images_per_s": round(
                    counts["extracted" if stage in _EXTRACTED else "images"]
                    / max(seconds[stage], 1e-9),
                    1,
                ),
            }
            for stage in STAGES
            if stage in seconds
        }


def compare_speed(info: dict[str, Any], cost: CostParams, prices: Prices) -> dict[str, Any]:
    """How far an extraction was from the machine's optimum, and what it would cost to rent one.

    Args:
        info: ``model_info`` with ``stages``.
        cost: which instance to work it out for.
        prices: of the instances.

    Returns:
        ``speed``: ``images_per_s`` of the extraction, ``optimum`` (the model alone, on the same
        cores) and their ratio, ``reached``; and ``cost``: ``instance, images_per_euro,
        prices_of``. Both are left out where nothing was extracted.
    """
    optimum, stages = info["machine_optimum"], info["stages"]
    if not optimum or "extraction" not in stages:
        return {}
    speed = stages["extraction"]["images_per_s"]
    found = {
        "images_per_s": speed,
        "optimum": round(optimum["images_per_s"], 1),
        "reached": round(speed / optimum["images_per_s"], 3),
    }
    if cost.instance is None:
        return {"speed": found}
    per_euro = prices.images_per_euro(cost.instance, speed / optimum["cores"])
    priced = {"instance": cost.instance, "images_per_euro": round(per_euro)}
    return {"speed": found, "cost": priced | {"prices_of": prices.source}}


def training_table(info: dict[str, Any], place: str) -> Table:
    """The table a training ends with.

    Args:
        info: ``pretraining_info``.
        place: where the weights lie.
    """
    images, last = info["images"], info["last_epoch"]
    table = _table()
    table.add_row("images", f"{images['fit']:,} to fit, {images['validation']:,} to validate")
    table.add_row("unusable", f"{info['unusable']:,}")
    table.add_row("epochs", f"{last['epoch']} in {info['seconds']:,.0f} s")
    for name in ("accuracy", "val_accuracy"):
        if name in last:
            table.add_row(name.replace("val_", "validation "), f"{last[name]:.1%}")
    table.add_row("fingerprint", info["fingerprint"])
    table.add_row("weights", place)
    return table


def packing_table(info: dict[str, Any], place: str) -> Table:
    """The table a packing ends with.

    Args:
        info: ``packing_info``, and the ``seconds`` it took.
        place: where the packed photos lie.
    """
    table = _table()
    table.add_row("photos", f"{info['images']:,} in {info['seconds']:,.1f} s")
    table.add_row("files", f"{info['files']:,}, {info['bytes'] / 1e6:,.1f} MB of photos")
    table.add_row("packed_images", place)
    table.add_row("to use them", f"kedro run --params images={place}")
    return table


def classification_table(metrics: dict[str, Any], seconds: float, places: dict[str, str]) -> Group:
    """The tables a classification ends with: macro-F1 of each model under both protocols.

    Args:
        metrics: ``classification_metrics``.
        seconds: of the run.
        places: what lies where.
    """
    protocols = metrics["protocols"]
    figures = Table(box=box.SIMPLE, title="Macro-F1, with 95 % intervals", title_justify="left")
    figures.add_column(style="bold", overflow="fold")
    figures.add_column("Test")
    figures.add_column("unseen varieties")
    for name in next(iter(protocols.values()))["models"]:
        shown = (_macro_f1(protocol, name) for protocol in protocols.values())
        figures.add_row(name + (" *" if name == metrics["best"] else ""), *shown)
    table = _table()
    table.add_row("*", "the best in cross-validation on Training")
    table.add_row("two figures", metrics["reason"])
    table.add_row("whole run", f"{seconds:,.1f} s")
    for name, place in places.items():
        table.add_row(name, place)
    return Group(figures, table)


def _macro_f1(protocol: dict[str, Any], name: str) -> str:
    found = protocol.get("models", {}).get(name)
    if found is None:
        return "not measured"
    return with_interval(**found["f1_macro"])


def _table() -> Table:
    table = Table(box=box.SIMPLE, show_header=False, title="Result", title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def summary_table(info: dict[str, Any], places: dict[str, str]) -> Table:
    """The table a run ends with.

    Args:
        info: ``model_info``, with ``stages`` and ``total_seconds``.
        places: what lies where.
    """
    counts, backbone = info["counts"], info["backbone"]
    table = _table()
    earlier = f" ({counts['reused']:,} of them by earlier runs)" if counts["reused"] else ""
    read = f"{counts['images']:,}, {counts['bytes'] / 1e6:,.1f} MB"
    table.add_row("images", f"{read}{earlier}")
    if gone := info["extraction_plan"]["gone"]:
        table.add_row("gone", f"{gone:,} of earlier runs are not there, or not in the subset")
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts["rejected_by_reason"].items())
    table.add_row("rejected", f"{counts['rejected']:,}" + (f" ({reasons})" if reasons else ""))
    for stage, figures in info["stages"].items():
        seconds = f"{figures['seconds']:8.1f} s"
        table.add_row(stage, f"{seconds}  {figures['images_per_s']:>10,.0f} images/s")
    table.add_row("whole run", f"{info['total_seconds']:8.1f} s")
    if speed := info.get("speed"):
        optimum = f"{speed['optimum']:,.0f} images/s by the model alone on these cores"
        table.add_row("optimum", f"{optimum}: the extraction reached {speed['reached']:.0%}")
    if cost := info.get("cost"):
        per_euro = f"{cost['images_per_euro']:,} images a euro at this speed"
        table.add_row("cost", f"{per_euro} on {cost['instance']} (prices: {cost['prices_of']})")
    if pca := info.get("pca"):
        table.add_row("components", f"{pca['k']} keep {pca['variance_kept']:.1%} of the variance")
    table.add_row("backbone", f"{backbone['fingerprint']} ({backbone['engine']})")
    for name, place in places.items():
        table.add_row(name, place)
    return table
