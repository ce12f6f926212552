"""``kedro emr``: one command for each step, from the check to the bill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fruits_kedro.commands.console import Shown, progress, waiting
from fruits_kedro.emr.command import command, emr
from fruits_kedro.errors import FruitsError

if TYPE_CHECKING:
    from fruits_kedro.emr.context import EmrContext

__all__ = ["emr"]

yes = click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")
mode = click.Option(
    ["--mode"],
    type=click.Choice(["cluster", "client"]),
    default="cluster",
    show_default=True,
    help="Where the driver lives: in a container, or on the primary node of a cluster.",
)
pipelines = click.Option(["--pipelines", "-p"], help="As for kedro run; by default all.")
run_option = click.Option(["--run", "--step", "run_id"], help="Id; by default the newest.")
place_option = click.Option(
    ["--cluster", "--application", "place_id"], help="Id; by default the newest, ended or not."
)
local = click.Option(
    ["--output", "-o"],
    default="data",
    show_default=True,
    help="Folder to fill.",
    type=click.Path(file_okay=False, path_type=Path),
)
reports = click.Option(["--reports-only"], is_flag=True, help="Counts, plots and tables only.")
stale = click.Option(["--stale"], is_flag=True, help="Run the cluster's package as it is.")


@command()
def check(context: EmrContext) -> Shown:
    """Check account, bucket, roles, package, types and quotas; each fault with its remedy."""
    from fruits_kedro.emr.checks import check_all

    return check_all(context)


@command(click.Option(["--images"], type=click.IntRange(1), help="Photos; by default counted."))
def plan(context: EmrContext, images: int | None) -> Shown:
    """Show sizes, minutes and cost, on a cluster and on EMR Serverless."""
    from fruits_kedro.emr.plan import plan_both
    from fruits_kedro.images.packed import open_images

    if images is None:
        options = {"requester_pays": True} if context.roots.requester_pays else {}
        images = open_images(context.roots.images, options).list().num_rows
    return plan_both(context, images)


@command(yes)
def prices(context: EmrContext, yes: bool) -> Shown:
    """Ask AWS for today's prices, show what has changed, and write conf/base/prices.yml."""
    from fruits_kedro.emr.prices import changes, fetch_prices, write_prices

    path = context.project / "conf" / "base" / "prices.yml"
    if not path.is_file():
        raise FruitsError("Prices are kept in a project: make one with 'fruits-kedro init'.")
    found = fetch_prices(context.aws, context.types)
    changed = changes(context.types.prices, found)
    if changed and not yes:
        for name, before, after in changed:
            click.echo(f"{name}: {before} -> {after}", err=True)
        click.confirm(f"Write them to {path}?", abort=True, err=True)
    write_prices(found, path)
    return {"prices": {"of": found.source, "changed": len(changed), "written": str(path)}}


@command()
def package(context: EmrContext) -> Shown:
    """Build wheel, configuration, wheelhouse and backbone; upload what has changed."""
    from fruits_kedro.emr.upload import upload_package

    built, root = context.package, context.settings.package_root
    uploaded = upload_package(context.aws, built, root, progress("upload"))
    size = sum((built.folder / name).stat().st_size for name in built.hashes)
    return {
        "package": {
            "id": built.id,
            "files": len(built.hashes),
            "megabytes": round(size / 1e6, 1),
            "uploaded": len(uploaded),
            "to": f"{root}/{built.id}",
        }
    }


@command(yes)
def up(context: EmrContext, yes: bool) -> Shown:
    """Create the cluster or application and wait until it is ready; asks first, with its cost.

    It uploads nothing: run 'kedro emr package' first.
    """
    from fruits_kedro.emr import actions

    result = actions.create(context, yes)
    context.service.wait_until_ready(result["created"]["id"], waiting(context.service.kind))
    return result


@command(mode, pipelines, stale)
def submit(context: EmrContext, mode: str, pipelines: str | None, stale: bool = False) -> Shown:
    """Submit a run to the cluster or application."""
    from fruits_kedro.emr import actions
    from fruits_kedro.emr.runs import need_place

    place = need_place(context.service, context.settings.name)
    return actions.submit(context, place.id, place.package, mode, pipelines, stale)


@command(run_option)
def watch(context: EmrContext, run_id: str | None) -> Shown:
    """Follow a run to its end: state, time, photos done, time left; exit 1 when it fails.

    Exit 3 after ten minutes without an answer of AWS: the run goes on.
    """
    from fruits_kedro.emr import actions
    from fruits_kedro.emr.runs import need_place

    place_id = need_place(context.service, context.settings.name).id
    return actions.watch(context, place_id, run_id or context.service.last_run(place_id))


@command(run_option, place_option)
def logs(context: EmrContext, run_id: str | None, place_id: str | None) -> Shown:
    """Show the Python traceback of a failed run or bootstrap, then where the rest lies."""
    from fruits_kedro.emr.logs import report_errors
    from fruits_kedro.emr.runs import last_place

    service = context.service
    place_id = place_id or last_place(service, context.settings.name).id
    if run_id is None:
        try:
            run_id = service.last_run(place_id)
        except FruitsError:
            run_id = None  # the bootstrap failed
    texts = service.logs(place_id, run_id)
    if not texts:
        raise FruitsError(
            f"There are no logs of {place_id} in {context.settings.log_root} yet: EMR brings them "
            "every five minutes, and when the run or the cluster ends."
        )
    errors = [{"in": url, "says": text} for url, text in report_errors(texts)]
    return {"errors": errors, "logs": sorted(texts)}


@command(local, reports)
def fetch(context: EmrContext, output: Path, reports_only: bool) -> Shown:
    """Bring the results to a local store: complete datasets only."""
    from fruits_kedro.emr import actions

    return actions.fetch(context, output, reports_only)


@command(
    place_option,
    click.Option(["--run", "run_id"], help="Id of a run on EMR Serverless; by default all."),
    click.Option(["--cost-explorer"], is_flag=True, help="Ask it: 0.01 USD."),
)
def cost(
    context: EmrContext, place_id: str | None, run_id: str | None, cost_explorer: bool
) -> Shown:
    """Work out what a cluster or the runs of an application have cost, from AWS' reports."""
    from fruits_kedro.emr import actions
    from fruits_kedro.emr.runs import last_place

    place_id = place_id or last_place(context.service, context.settings.name).id
    return actions.cost(context, place_id, run_id, cost_explorer)


@command()
def notebook(context: EmrContext) -> Shown:
    """Print the first cell of a notebook on the cluster, and how to reach JupyterHub."""
    from fruits_kedro.emr.notebook import configure_cell, reach_jupyterhub
    from fruits_kedro.emr.runs import need_place

    settings = context.cluster
    if not settings.notebooks:
        raise FruitsError("Set notebooks: true in conf/emr/emr.yml, and create a new cluster.")
    place = need_place(context.service, settings.name)
    return {
        "the first cell, of the kernel PySpark": [configure_cell(context.run_options(), settings)],
        "JupyterHub": reach_jupyterhub(context.aws, place.id, settings),
    }


@command(yes)
def down(context: EmrContext, yes: bool) -> Shown:
    """List all clusters or applications of this name, ask, end them, and say what is left."""
    service, name = context.service, context.settings.name
    ended: list[str] = []
    while found := service.places():
        for place in found:
            click.echo(f"{service.kind}: {place}", err=True)
        if not yes:
            click.confirm(f"End {'it' if len(found) == 1 else 'them'}?", abort=True, err=True)
        for place in found:
            service.end(place.id, waiting(service.kind))
            ended.append(place.id)
    left = f"No {service.kind} {name} is running in {context.settings.region}."
    return {"ended": ended, "left": left}


@command(yes)
def clean(context: EmrContext, yes: bool) -> Shown:
    """Delete packages, logs and unfinished uploads of either; asks first.

    It refuses while a cluster lives or a run is at work, which may read the package again.
    """
    from fruits_kedro.emr.clean import delete_all, to_delete
    from fruits_kedro.emr.runs import on

    if reader := context.service.needs_package():
        raise FruitsError(
            f"The package is still needed, by {reader}.\n"
            f"End it first: kedro emr down{on(context.service)}"
        )
    keys, uploads, lines = to_delete(context.aws, context.settings)
    for line in lines:
        click.echo(line, err=True)
    if (keys or uploads) and not yes:
        click.confirm("Delete all of this?", abort=True, err=True)
    delete_all(context.aws, context.settings.bucket, keys, uploads)
    return {"deleted": {"objects": len(keys), "uploads": len(uploads)}}


@command(
    yes, mode, pipelines, local,
    click.Option(["--keep"], is_flag=True, help="Leave the cluster running at the end."),
    click.Option(["--all", "everything"], is_flag=True, help="Fetch all, not the reports only."),
    click.Option(["--skip-checks"], is_flag=True, help="Go on whatever the check says."),
)  # fmt: skip
def run(context: EmrContext, yes: bool, skip_checks: bool, **given: Any) -> Shown:
    """Package, check, create, submit, watch, fetch, and end what it created.

    It ends nothing else. A run that AWS does not answer for goes on: exit 3.
    """
    from fruits_kedro.emr.cycle import run_cycle

    package(context)
    checked = check(context)["checks"]
    if (faults := [row for row in checked if row[""] == "FAILED"]) and not skip_checks:
        listed = "\n".join(f"- {row['check']}: {row['found']}" for row in faults)
        raise FruitsError(f"Not ready (--skip-checks goes on all the same):\n{listed}")
    return run_cycle(context, yes, **given)
