"""``kedro run``, with short errors."""

from __future__ import annotations

import copy
import functools
import logging
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from fruits_kedro.commands.params import read_params
from fruits_kedro.config import template
from fruits_kedro.errors import own_error, summarize
from fruits_kedro.spark.logs import log_hint, log_trace

KEDROS_LINES = ("kedro.io", "kedro.runner")  # which conf/logging.yml mutes


def _short_errors(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Report a failure in a few words; ``--verbose`` adds the trace."""

    @functools.wraps(callback)
    def run(*args: Any, verbose: bool = False, **kwargs: Any) -> Any:
        check_environment(kwargs.get("env"), kwargs.get("conf_source"))
        if verbose:
            for name in KEDROS_LINES:
                logging.getLogger(name).setLevel(logging.INFO)
        with _noting_interrupts() as was_interrupted:
            try:
                return callback(*args, **kwargs)
            except click.ClickException:
                raise
            except (Exception, KeyboardInterrupt) as error:
                if verbose:
                    traceback.print_exc()
                if was_interrupted():
                    raise _InterruptedError(
                        "Interrupted. What is done stays: the same command goes on from there."
                    ) from error
                log_trace(error)
                hint = "" if own_error(error) else log_hint()
                raise click.ClickException(f"{summarize(error)}{hint}") from error

    return run


class _InterruptedError(click.ClickException):
    exit_code = 130  # what shells expect


@contextmanager
def _noting_interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C came meanwhile: Spark's handler turns it into a failure of some job."""
    if threading.current_thread() is not threading.main_thread():  # Python tells it alone
        yield lambda: False
        return
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def was_interrupted() -> bool:
        try:
            return signal.SIGINT in os.read(read, 1000)
        except BlockingIOError:
            return False

    try:
        yield was_interrupted
    finally:
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)


def check_environment(env: str | None, conf_source: str | None = None) -> None:
    """Raise ClickException, with those there are, unless an environment has a folder."""
    conf = Path(conf_source or template.conf_source())
    if env and conf.is_dir() and not (conf / env).is_dir():
        there = sorted(folder.name for folder in conf.iterdir() if folder.is_dir())
        raise click.ClickException(f"There is no environment {env}; there are: {', '.join(there)}.")


def _with_places(option: click.Parameter) -> click.Parameter:
    """The same option; ``--params`` takes places as they are written."""
    option = copy.copy(option)
    if option.name == "params":
        option.callback = read_params
    return option


verbose = click.Option(
    ["--verbose", "-v"],
    is_flag=True,
    help="Show each dataset that is loaded or saved, and the trace of an error.",
)
run = click.Command(
    "run",
    params=[*map(_with_places, kedro_run.params), verbose],
    callback=_short_errors(kedro_run.callback),  # type: ignore[arg-type]  # it has one
    help=kedro_run.help,
)
