"""What would be created, how long a run takes and what it costs, in words."""

from __future__ import annotations

from typing import Any

from fruits_kedro.commands.console import Shown
from fruits_kedro.config.prices import PriceList
from fruits_kedro.emr.context import ENVIRONMENTS, EmrContext
from fruits_kedro.emr.costs import Estimate, cost_per_hour
from fruits_kedro.emr.settings import ClusterSettings, ServerlessSettings
from fruits_kedro.errors import FruitsError

_UNKNOWN = "unknown: ask AWS by 'kedro emr prices'"


def describe_nodes(context: EmrContext) -> str:
    """The nodes or workers, in a few words; FruitsError if no executor fits on them."""
    settings = context.settings
    if isinstance(settings, ServerlessSettings):
        return f"{settings.executors} workers of {settings.executor.cores} vCPUs, {settings.arch}"
    groups = context.cluster.groups.values()
    nodes = ", ".join(f"{group.count} x {group.type}" for group in groups)
    return f"{nodes}; {context.sizing.instances} executors"


def describe_cost(context: EmrContext) -> str:
    """What it costs while it works, in a few words."""
    settings, types = context.settings, context.types
    if types.prices is None:
        return f"at a cost that is {_UNKNOWN}"
    prices = types.need(settings.region)
    when = ", while a run works" if isinstance(settings, ServerlessSettings) else ""
    hourly = cost_per_hour(settings, prices)
    return f"about {hourly:.2f} {prices.currency} an hour{when} (prices of {prices.source})"


def plan_both(context: EmrContext, images: int) -> Shown:
    """The plan on a cluster and on EMR Serverless, side by side, and which is cheaper.

    The service that was not asked for is left out where its environment is missing or wrong.
    """
    asked = "serverless" if isinstance(context.settings, ServerlessSettings) else "cluster"
    other = "cluster" if asked == "serverless" else "serverless"
    plans = {asked: (context, context.estimate(images))}
    notes = [f"{asked}: {note}" for note in plans[asked][1].notes]
    try:
        second = EmrContext.load(ENVIRONMENTS[other], context.params, other)
        plans[other] = (second, second.estimate(images))
        notes += [f"{other}: {note}" for note in plans[other][1].notes]
    except FruitsError as error:
        notes.append(f"{other}: {error}")
    shown: Shown = {f"sizing ({on})": list(c.sizing.lines) for on, (c, _) in plans.items()}
    shown[f"{images:,} photos"] = _rows(plans, context.types)
    costs = {on: estimate.total for on, (_, estimate) in plans.items() if estimate.parts}
    if len(costs) > 1:
        cheaper = min(costs, key=lambda on: costs[on])
        notes.append(f"{cheaper} is cheaper for {images:,} photos")
    if context.types.prices is None:
        notes.append(f"The cost is {_UNKNOWN}")
    return shown | {"notes": notes}


def _rows(plans: dict[str, tuple[EmrContext, Estimate]], types: PriceList) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {"": {on: on for on in plans}}
    for on, (context, estimate) in plans.items():
        settings = context.settings
        cells = {
            "name": settings.name,
            "region, release": f"{settings.region}, {settings.release}",
            "nodes": describe_nodes(context),
            "photos/s": round(estimate.images_per_s),
            "minutes": round(estimate.minutes, 1),
        }
        if types.prices:
            cells |= {f"{types.prices.currency} an hour": round(estimate.per_hour, 3)}
            cells |= {part: round(value, 2) for part, value in estimate.parts.items()}
            cells |= {"in all": round(estimate.total, 2), "prices of": types.prices.source}
        if isinstance(settings, ClusterSettings):
            cells["ends by itself"] = f"after {settings.idle_minutes} minutes without work"
        else:
            cells["ends by itself"] = "with each run"
        for name, cell in cells.items():
            rows.setdefault(name, {})[on] = cell
    return [{"what": name, **cells} for name, cells in rows.items()]
