"""The whole cycle of ``kedro emr run``, which ends what it created and nothing else."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path
from typing import Any

import click

from fruits_kedro.commands.console import Shown, waiting
from fruits_kedro.emr import cli
from fruits_kedro.emr.aws import NoAnswerError, OutOfSightError
from fruits_kedro.emr.fetch import check_same_photos
from fruits_kedro.errors import FruitsError

_ENDS = [signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # all but Windows
    _ENDS.append(signal.SIGHUP)


def run_cycle(
    context: Any, yes: bool, output: Path, keep: bool, everything: bool, **given: Any
) -> Shown:
    """Create, submit, watch, fetch, and end; the package is there, and all was checked.

    Raises:
        OutOfSightError: AWS does not answer any more. Nothing is ended.
        FruitsError: a step failed, or Ctrl-C came.
    """
    # A terminal that closes ends the cluster as Ctrl-C does.
    for name in _ENDS:
        signal.signal(name, signal.default_int_handler)
    service = context.service
    check_same_photos(context.aws, context.roots.store, output)
    found = service.reusable()
    result = {} if found else cli.create(context, yes)
    place_id = found.id if found else result["created"]["id"]
    try:
        service.wait_until_ready(place_id, waiting(service.kind))
        result |= cli.submit(context, **given)
        result |= cli.watch(context, None)
        result |= cli.fetch(context, output, not everything)
        result |= _cost(context, place_id)
    except (NoAnswerError, OutOfSightError) as error:
        raise _out_of_sight(context, place_id, error) from error
    except KeyboardInterrupt:
        _finish(context, place_id, result, keep)
        raise FruitsError("Interrupted.") from None
    except BaseException:
        _finish(context, place_id, result, keep)
        raise
    _finish(context, place_id, result, keep)
    return result


def _cost(context: Any, place_id: str) -> Shown:
    try:
        return cli.cost(context, place_id, False)
    except NoAnswerError:
        raise
    except FruitsError as error:  # the run is good all the same
        return {"cost": str(error)}


def _out_of_sight(context: Any, place_id: str, error: FruitsError) -> OutOfSightError:
    on = "cluster" if context.service.kind == "cluster" else "serverless"
    given = f" --on {on} --env {context.env}"
    given += f" --params {shlex.quote(context.params)}" if context.params else ""
    return OutOfSightError(
        f"{error}\nThe {context.service.kind} {place_id} goes on without being watched; it ends "
        f"by itself when it has had no work for {context.settings.idle_minutes} minutes.\n"
        f"Go on with: kedro emr watch{given}\nthen: kedro emr fetch{given}\n"
        f"and: kedro emr down{given}"
    )


def _finish(context: Any, place_id: str, result: Shown, keep: bool) -> None:
    """End what the run created, or say that it stays; a second signal does not stop this."""
    service = context.service
    named = f"The {service.kind} {place_id}"
    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGINT, *_ENDS)}
    try:
        if "created" not in result:
            run_id = result.get("run", {}).get("id")
            if run_id and not service.look(place_id, run_id).is_over:
                service.cancel(place_id, run_id)
            said = f"{named} stays: it was there before."
        elif keep:
            said = f"{named} is kept: 'kedro emr down' ends it."
        else:
            service.end(place_id, waiting(service.kind))
            said = f"{named} has ended."
    except FruitsError as error:
        said = f"{named} may still be at work: 'kedro emr down' ends it. {error}"
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    click.echo(said, err=True)
