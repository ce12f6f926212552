"""The whole cycle of ``kedro emr run``, which ends what it created and nothing else."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import click

from fruits_kedro.commands.console import Shown, waiting
from fruits_kedro.emr import actions
from fruits_kedro.emr.aws import NoAnswerError, OutOfSightError
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.fetch import check_same_photos
from fruits_kedro.emr.runs import RunFailedError, on
from fruits_kedro.errors import FruitsError

_ENDS = [signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # all but Windows
    _ENDS.append(signal.SIGHUP)


def run_cycle(
    context: EmrContext,
    yes: bool,
    output: Path,
    keep: bool,
    everything: bool,
    mode: str,
    pipelines: str | None,
) -> Shown:
    """Create, submit, watch, fetch, and end; the package is there, and all was checked.

    Raises:
        OutOfSightError: the run could not be watched to its end. Nothing is ended.
        FruitsError: a step failed, or Ctrl-C came.
    """
    # A terminal that closes ends the cluster as Ctrl-C does.
    for name in _ENDS:
        signal.signal(name, signal.default_int_handler)
    service = context.service
    check_same_photos(context.aws, context.roots.store, output)
    found = service.reusable()
    result = {} if found else actions.create(context, yes)
    place_id = found.id if found else result["created"]["id"]
    installed = found.package if found else result["created"]["installed"]
    try:
        service.wait_until_ready(place_id, waiting(service.kind))
        result |= actions.submit(context, place_id, installed, mode, pipelines)
        result |= _follow(context, place_id, result["run"]["id"])
        result |= actions.fetch(context, output, not everything)
        result |= _cost(context, place_id, result["run"]["id"])
    except (NoAnswerError, OutOfSightError) as error:
        raise OutOfSightError(f"{error}\n{_how_to_go_on(context, place_id, result)}") from error
    except KeyboardInterrupt:
        _finish(context, place_id, result, keep)
        raise FruitsError("Interrupted.") from None
    except BaseException:
        _finish(context, place_id, result, keep)
        raise
    _finish(context, place_id, result, keep)
    return result


def _follow(context: EmrContext, place_id: str, run_id: str) -> Shown:
    """Follow the run; an error that does not say that it failed loses it from sight."""
    try:
        return actions.watch(context, place_id, run_id)
    except RunFailedError:
        raise
    except Exception as error:
        raise OutOfSightError(f"The run {run_id} cannot be watched: {error}") from error


def _cost(context: EmrContext, place_id: str, run_id: str) -> Shown:
    try:
        of_run = run_id if context.service.kind == "application" else None
        return actions.cost(context, place_id, of_run)
    except FruitsError as error:  # the run is good all the same
        return {"cost": str(error)}


def _how_to_go_on(context: EmrContext, place_id: str, result: Shown) -> str:
    given = f"{on(context.service)} --env {context.env}"
    given += f" --params {shlex.quote(context.params)}" if context.params else ""
    then = f"kedro emr fetch{given}\nkedro emr down{given}"
    run_id = result.get("run", {}).get("id")
    first = f"kedro emr watch{given} --run {run_id}" if run_id else f"kedro emr submit{given}"
    return (
        f"The {context.service.kind} {place_id} goes on without being watched; it ends by itself "
        f"when it has had no work for {context.settings.idle_minutes} minutes.\n"
        f"Go on with:\n{first}\n{then}"
    )


def _finish(context: EmrContext, place_id: str, result: Shown, keep: bool) -> None:
    """End what the run created, or the run alone; a second signal does not stop this."""
    service = context.service
    named = f"The {service.kind} {place_id}"
    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGINT, *_ENDS)}
    try:
        if keep or "created" not in result:
            run_id = result.get("run", {}).get("id")
            if run_id and not service.look(place_id, run_id).is_over:
                service.cancel(place_id, run_id)
            said = f"{named} stays: it was there before."
            if "created" in result:
                said = f"{named} is kept: 'kedro emr down{on(service)}' ends it."
        else:
            service.end(place_id, waiting(service.kind))
            said = f"{named} has ended."
    except FruitsError as error:
        down = f"'kedro emr down{on(service)}'"
        said = f"{named} may still be at work: {down} ends it. {error}"
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    click.echo(said, err=True)
