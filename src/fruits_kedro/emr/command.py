"""What the commands of ``kedro emr`` share: the group, their options, short errors."""

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

_CLUSTER, _SERVERLESS = "cluster", "serverless"


@click.group()
def emr() -> None:
    """EMR for the pipeline, from check to bill: a cluster, or EMR Serverless (--on serverless).

    Settings: conf/emr/emr.yml, or conf/serverless/emr.yml.
    """


class _OutOfSight(click.ClickException):
    exit_code = 3


def command(*options: Any) -> Callable[[Callable[..., Shown]], Callable[..., Shown]]:
    """Turn a function into a command with --on, --env, --params and --json, and short errors."""

    def decorate(function: Callable[..., Shown]) -> Callable[..., Shown]:
        @functools.wraps(function)
        def run(on: str, env: str | None, params: str, as_json: bool, **given: Any) -> None:
            # Kedro logs to standard output: allow warnings only, and nothing between JSON.
            logging.disable(logging.CRITICAL if as_json else logging.INFO)
            try:
                from fruits_kedro.emr.context import ENVIRONMENTS, EmrContext

                check_environment(env or ENVIRONMENTS[on])
                result = function(EmrContext.load(env, params, on), **given)
            except FruitsError as error:
                if as_json:
                    click.echo(json.dumps({"error": str(error)}))
                raise _shown(error) from error
            except click.ClickException:
                raise
            except Exception as error:
                raise click.ClickException(summarize(error)) from error
            finally:
                logging.disable(logging.NOTSET)
            finish(result, as_json)

        shared = [
            click.Option(
                ["--on"],
                type=click.Choice([_CLUSTER, _SERVERLESS]),
                default=_CLUSTER,
                show_default=True,
                help="Where runs happen.",
            ),
            click.Option(["--env", "-e"], help="Environment; by default emr, or serverless."),
            click.Option(["--params"], default="", help="As for kedro run."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for scripts."),
        ]
        made = click.Command(
            function.__name__,
            params=[*options, *shared],
            callback=run,
            help=function.__doc__,
        )
        emr.add_command(made)
        return function

    return decorate


def _shown(error: FruitsError) -> click.ClickException:
    from fruits_kedro.emr.aws import OutOfSightError

    kind = _OutOfSight if isinstance(error, OutOfSightError) else click.ClickException
    return kind(str(error))
