"""The project's commands beside Kedro's own: ``kedro run`` with short errors, ``kedro sample``."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from fruits_kedro.errors import FruitsError, summarize


@click.group(name="fruits-kedro")
def cli() -> None:
    """The project's commands."""


def _short_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Put a failure in a few words on the screen; ``--verbose`` adds the trace."""

    @functools.wraps(callback)
    def run(*args: Any, verbose: bool = False, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except click.ClickException:
            raise
        except Exception as error:
            if verbose:
                traceback.print_exc()
            hint = "" if isinstance(error, FruitsError) else "\n'kedro run --verbose' shows the trace."
            raise click.ClickException(f"{summarize(error)}{hint}") from error

    return run


verbose = click.Option(["--verbose", "-v"], is_flag=True, help="Show the trace of an error.")
run = click.Command(
    "run",
    params=[*kedro_run.params, verbose],
    callback=_short_errors(kedro_run.callback),
    help=kedro_run.help,
)
cli.add_command(run)
