"""What single commands and the whole cycle do alike; each returns what is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from fruits_kedro.commands.console import Shown, progress, waiting
from fruits_kedro.emr import bill
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.fetch import fetch_results
from fruits_kedro.emr.plan import describe_cost, describe_nodes
from fruits_kedro.emr.runs import on, watch_run
from fruits_kedro.emr.upload import need_uploaded
from fruits_kedro.errors import FruitsError


def create(context: EmrContext, yes: bool) -> Shown:
    """Ask, and create what runs need; it is not ready yet."""
    uploaded = need_uploaded(context.aws, context.settings.package_root)
    if uploaded.id != context.package.id:
        raise FruitsError(
            f"The uploaded package {uploaded.id} is not this folder's, {context.package.id}: "
            f"kedro emr package{on(context.service)}"
        )
    # The hashes are this folder's: nodes need not trust those in the bucket.
    uploaded = replace(uploaded, hashes=context.package.hashes)
    nodes, cost = describe_nodes(context), describe_cost(context)
    if not yes:
        asked = f"Create {context.settings.name} ({nodes}): {cost}?"
        click.confirm(asked, abort=True, err=True)
    if there := context.service.places():
        raise FruitsError(
            f"The {context.service.kind} {context.settings.name} is there already: {there[0]}.\n"
            f"Use it, or end it with 'kedro emr down{on(context.service)}'."
        )
    user = context.aws.who().rpartition("/")[2].rpartition(":")[2]
    place_id = context.service.create(uploaded, user)
    installed = uploaded.id if context.service.kind == "cluster" else None
    return {"created": {"id": place_id, "cost": cost, "installed": installed}}


def submit(
    context: EmrContext,
    place_id: str,
    installed: str | None,
    mode: str,
    pipelines: str | None,
    stale: bool = False,
) -> Shown:
    """Submit a run to a cluster or application.

    Args:
        installed: id of the package on its nodes; None: the run takes the latest.
        stale: run that package although this folder's is another.
    """
    uploaded = need_uploaded(context.aws, context.settings.package_root)
    package_id = installed or uploaded.id
    if package_id != context.package.id and not stale:
        remedy = f"package it (kedro emr package{on(context.service)})"
        if installed:
            remedy = f"end the cluster (kedro emr down), {remedy}, and create one (kedro emr up)"
        raise FruitsError(
            f"The run would use the package {package_id}, and this folder has code or settings of "
            f"another, {context.package.id}.\nTo run these: {remedy}. To run that one: --stale."
        )
    options = context.run_options(mode, pipelines)
    run_id = context.service.submit(place_id, options, uploaded)
    return {"run": {"on": place_id, "id": run_id, "what": options.name}}


def watch(context: EmrContext, place_id: str, run_id: str) -> Shown:
    """Follow a run to its end."""
    given = (context.aws, context.service, place_id, run_id, context.roots.store)
    state = watch_run(*given, waiting("run"))
    return {"run": {"on": place_id, "id": run_id, "state": state.name}}


def fetch(context: EmrContext, output: Path, reports_only: bool) -> Shown:
    """Bring the results to a local store."""
    store = context.roots.store
    files = fetch_results(context.aws, store, output, reports_only, progress("fetch"))
    return {"fetched": {"files": len(files), "from": store, "to": str(output)}}


def cost(
    context: EmrContext, place_id: str, run_id: str | None = None, cost_explorer: bool = False
) -> Shown:
    """What a cluster, or runs on an application, have cost."""
    found = context.service.bill(place_id, run_id)
    if cost_explorer:
        found["cost_explorer"] = bill.cost_explorer(context.aws, context.settings.name)
    return {"cost": found}
