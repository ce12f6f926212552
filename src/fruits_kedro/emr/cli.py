"""``kedro emr``: one command for each step in the life of a cluster."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from fruits_kedro.commands.console import Shown, progress, waiting
from fruits_kedro.emr.command import command, emr
from fruits_kedro.errors import FruitsError

__all__ = ["emr"]

_ENDS = [signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # all but Windows
    _ENDS.append(signal.SIGHUP)

yes = click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")
mode = click.Option(
    ["--mode"],
    type=click.Choice(["cluster", "client"]),
    default="cluster",
    show_default=True,
    help="Where the driver lives: in a container, or on the primary node.",
)
pipelines = click.Option(["--pipelines", "-p"], help="As for kedro run; by default all.")
step_option = click.Option(["--step"], help="Id of a step; by default the newest.")
local = click.Option(
    ["--output", "-o"],
    default="data",
    show_default=True,
    help="Folder to fill.",
    type=click.Path(file_okay=False, path_type=Path),
)
reports = click.Option(["--reports-only"], is_flag=True, help="Counts, plots and tables only.")


@command()
def check(context: Any) -> Shown:
    """Check account, bucket, roles, package, types and quotas; each fault with its remedy."""
    from fruits_kedro.emr.checks import check_all

    return check_all(
        context.aws, context.settings, context.prices, context.roots.images, lambda: context.package
    )


@command(click.Option(["--images"], type=click.IntRange(1), help="Photos; by default counted."))
def plan(context: Any, images: int | None) -> Shown:
    """Show what would be created, how executors are sized, how long it takes and what it costs."""
    from fruits_kedro.emr.sizing import estimate
    from fruits_kedro.images.open import open_images

    settings = context.settings
    if images is None:
        images = open_images(context.roots.images).list().num_rows
    return {
        "cluster": {
            "name": settings.name,
            "region": settings.region,
            "release": settings.release,
            **{n: f"{g.count} x {g.type}" for n, g in settings.groups.items()},
            "idle": f"ends by itself after {settings.idle_minutes} minutes without work",
        },
        "sizing": list(context.sizing.lines),
        "estimate": estimate(images, context.sizing, settings, context.prices),
    }


@command()
def package(context: Any) -> Shown:
    """Build wheel, configuration, wheelhouse and backbone; upload what has changed."""
    from fruits_kedro.emr.upload import upload_package

    built = context.package
    uploaded = upload_package(context.aws, built, context.settings.package_root, progress("upload"))
    return {
        "package": {
            "id": built.id,
            "files": len(built.hashes),
            "megabytes": round(built.total_bytes / 1e6, 1),
            "uploaded": len(uploaded),
            "to": context.settings.package_root,
        }
    }


@command(yes)
def up(context: Any, yes: bool) -> Shown:
    """Create the cluster and wait until it is ready; asks first, with the cost an hour.

    It uploads nothing: run 'kedro emr package' first.
    """
    result = _create(context, yes)
    _wait(context, result)
    return result


def _create(context: Any, yes: bool) -> Shown:
    from fruits_kedro.emr.cluster import create_cluster
    from fruits_kedro.emr.sizing import cost_per_hour
    from fruits_kedro.emr.upload import uploaded_id

    hourly = cost_per_hour(context.settings, context.prices)
    package_id = uploaded_id(context.aws, context.settings.package_root)
    said = (
        f"about {hourly:.2f} {context.prices.currency} an hour (prices of {context.prices.as_of})"
    )
    nodes = ", ".join(f"{g.count} x {g.type}" for g in context.settings.groups.values())
    if not yes:
        click.confirm(f"Create {context.settings.name} ({nodes}): {said}?", abort=True, err=True)
    cluster_id = create_cluster(context.aws, context.settings, package_id)
    return {"cluster": {"id": cluster_id, "cost": said}}


def _wait(context: Any, created: Shown) -> None:
    from fruits_kedro.emr.cluster import READY, wait_for

    wait_for(context.aws, created["cluster"]["id"], READY, waiting("cluster"))


@command(mode, pipelines)
def submit(context: Any, mode: str, pipelines: str | None) -> Shown:
    """Submit a run as a step of the cluster."""
    from fruits_kedro.emr.cluster import check_package, need_cluster
    from fruits_kedro.emr.steps import add_step, submit_arguments
    from fruits_kedro.emr.upload import uploaded_id

    cluster = need_cluster(context.aws, context.settings)
    check_package(cluster, uploaded_id(context.aws, context.settings.package_root))
    settings = context.spark | context.sizing.spark_settings
    given = (context.env, mode, pipelines, context.params)
    arguments = submit_arguments(settings, *given, region=context.settings.region)
    name = f"kedro run {pipelines or ''} {context.params}".strip()[:250]
    step_id = add_step(context.aws, cluster["Id"], name, arguments)
    return {"step": {"cluster": cluster["Id"], "id": step_id, "command": " ".join(arguments)}}


@command(step_option)
def watch(context: Any, step: str | None) -> Shown:
    """Follow a run to its end: state, time, photos done, time left; exit 1 when it fails."""
    from fruits_kedro.emr.cluster import need_cluster
    from fruits_kedro.emr.steps import latest_step, watch_step

    cluster = need_cluster(context.aws, context.settings)["Id"]
    step = step or latest_step(context.aws, cluster)["Id"]
    ended = watch_step(context.aws, cluster, step, context.roots.store, waiting("run"))
    return {"step": {"id": step, "state": ended["Status"]["State"]}}


@command(step_option, click.Option(["--cluster"], help="Id; by default the newest, ended or not."))
def logs(context: Any, step: str | None, cluster: str | None) -> Shown:
    """Show the Python traceback of a failed run or bootstrap, then where the rest lies."""
    from fruits_kedro.emr.cluster import find_any_cluster
    from fruits_kedro.emr.logs import read_logs
    from fruits_kedro.emr.steps import latest_step

    cluster = cluster or find_any_cluster(context.aws, context.settings)["Id"]
    if step is None:
        try:
            step = latest_step(context.aws, cluster)["Id"]
        except FruitsError:
            step = None  # the bootstrap failed
    report = read_logs(context.aws, context.settings, cluster, step)
    if not report.places:
        raise FruitsError(
            f"There are no logs of {cluster} in {context.settings.log_root} yet: EMR brings them "
            "every five minutes, and when the cluster ends."
        )
    return {
        "errors": [{"in": place, "says": text} for place, text in report.errors],
        "logs": report.places,
    }


@command(local, reports)
def fetch(context: Any, output: Path, reports_only: bool) -> Shown:
    """Bring the results to a local store: complete datasets only."""
    from fruits_kedro.emr.fetch import fetch_results

    store = context.roots.store
    files = fetch_results(context.aws, store, output, reports_only, progress("fetch"))
    return {"fetched": {"files": len(files), "from": store, "to": str(output)}}


@command()
def down(context: Any) -> Shown:
    """End every cluster of this name, wait, and say that nothing is left running."""
    from fruits_kedro.emr.cluster import end_all_clusters

    ended = end_all_clusters(context.aws, context.settings, waiting("cluster"))
    name = context.settings.name
    return {"ended": ended, "left": f"No cluster {name} is running in {context.settings.region}."}


@command(yes)
def clean(context: Any, yes: bool) -> Shown:
    """Delete package, logs and half-finished uploads of either; asks first."""
    from fruits_kedro.emr.upload import delete_all, to_delete

    found = to_delete(context.aws, context.settings)
    for line in found.lines:
        click.echo(line, err=True)
    if (found.keys or found.uploads) and not yes:
        click.confirm("Delete all of this?", abort=True, err=True)
    delete_all(context.aws, context.settings.bucket, found)
    return {"deleted": {"objects": len(found.keys), "uploads": len(found.uploads)}}


@command(click.Option(["--cluster"], help="Id; by default the newest, ended or not."))
def cost(context: Any, cluster: str | None) -> Shown:
    """Work out what a cluster has cost, from its real times; and what Cost Explorer says."""
    from fruits_kedro.emr.bill import bill
    from fruits_kedro.emr.cluster import find_any_cluster

    cluster = cluster or find_any_cluster(context.aws, context.settings)["Id"]
    return {"cost": bill(context.aws, context.settings, context.prices, cluster)}


@command(
    yes, mode, pipelines, local,
    click.Option(["--keep"], is_flag=True, help="Leave the cluster running at the end."),
    click.Option(["--all", "everything"], is_flag=True, help="Fetch all, not the reports only."),
)  # fmt: skip
def run(context: Any, yes: bool, output: Path, keep: bool, everything: bool, **given: Any) -> Shown:
    """Package, check, create, submit, watch, fetch, and end the cluster, whatever happens.

    Only the cluster that this command created is ended.
    """
    from fruits_kedro.emr.fetch import check_same_photos

    package(context)
    if faults := [c for c in check(context)["checks"] if c[""] == "FAILED"]:
        listed = "\n".join(f"- {c['check']}: {c['found']}" for c in faults)
        raise FruitsError(f"Not ready:\n{listed}")
    # A terminal that closes ends the cluster as Ctrl-C does.
    for name in _ENDS:
        signal.signal(name, signal.default_int_handler)
    check_same_photos(context.aws, context.roots.store, output)
    result = _create(context, yes)
    cluster_id = result["cluster"]["id"]
    try:
        _wait(context, result)
        result |= submit(context, **given)
        result |= watch(context, None)
        result |= fetch(context, output, not everything)
    except KeyboardInterrupt:
        raise FruitsError("Interrupted.") from None
    finally:
        _finish(context, cluster_id, keep)
    return result


def _finish(context: Any, cluster_id: str, keep: bool) -> None:
    """End the cluster of a run, or say that it stays; a second signal does not stop this."""
    from fruits_kedro.emr.cluster import end_cluster

    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGINT, *_ENDS)}
    try:
        if keep:
            said = f"The cluster {cluster_id} is kept: 'kedro emr down' ends it."
        else:
            end_cluster(context.aws, cluster_id, waiting("cluster"))
            said = f"The cluster {cluster_id} has ended."
    except FruitsError as error:
        said = f"The cluster {cluster_id} may still be running: 'kedro emr down' ends it. {error}"
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    click.echo(said, err=True)
