"""What the commands of ``kedro emr`` share: the group, ``--env``, ``--json``, short errors."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import click

from fruits_kedro.commands.console import Shown, finish
from fruits_kedro.commands.run import check_environment
from fruits_kedro.errors import FruitsError, summarize


@click.group()
def emr() -> None:
    """An EMR cluster for the pipeline, from check to bill. Settings: conf/emr/emr.yml."""


def command(*options: Any) -> Callable[[Callable[..., Shown]], Callable[..., Shown]]:
    """Turn a function into a command with --env, --params and --json, and with short errors."""

    def decorate(function: Callable[..., Shown]) -> Callable[..., Shown]:
        @functools.wraps(function)
        def run(env: str, params: str, as_json: bool, **given: Any) -> None:
            check_environment(env)
            # Kedro logs to standard output: allow warnings only, and nothing between JSON.
            logging.disable(logging.CRITICAL if as_json else logging.INFO)
            try:
                from fruits_kedro.emr.context import EmrContext

                result = function(EmrContext.load(env, params), **given)
            except FruitsError as error:
                if as_json:
                    click.echo(json.dumps({"error": str(error)}))
                raise click.ClickException(str(error)) from error
            except click.ClickException:
                raise
            except Exception as error:
                raise click.ClickException(summarize(error)) from error
            finally:
                logging.disable(logging.NOTSET)
            finish(result, as_json)

        shared = [
            click.Option(["--env", "-e"], default="emr", show_default=True, help="Environment."),
            click.Option(["--params"], default="", help="As for kedro run."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for scripts."),
        ]
        made = click.Command(
            function.__name__.rstrip("_"),
            params=[*options, *shared],
            callback=run,
            help=function.__doc__,
        )
        emr.add_command(made)
        return function

    return decorate
