"""The commands of the installed package: ``fruits-kedro``, and ``python -m fruits_kedro``."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from fruits_kedro.config.template import PACKAGE, TEMPLATE, as_typed, own_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the pipeline as ``kedro run`` does, from wherever the package is installed."""
    _configure()
    from kedro.framework.cli.utils import find_run_command

    kwargs["standalone_mode"] = not hasattr(sys, "ps1")
    return find_run_command(PACKAGE)(*args, **kwargs)


def commands() -> None:
    """All commands of the project, in a project of this package or in any other folder."""
    _configure()
    from fruits_kedro.cli import cli

    try:
        code = cli(prog_name="fruits-kedro", standalone_mode=False)
    except click.Abort:
        sys.exit("Aborted!")
    except click.ClickException as error:
        if isinstance(error, click.UsageError):
            error.show()
        else:
            click.echo(f"Error: {as_typed(error.message)}", err=True)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)  # a run gives its outputs


def _configure() -> None:
    project = own_project()
    if project is None:
        os.environ.setdefault("DO_NOT_TRACK", "1")  # a project says so in .telemetry
        if (logging := TEMPLATE / "conf" / "logging.yml").is_file():
            os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(logging))  # Kedro reads it on import
    from kedro.framework.project import configure_project
    from kedro.framework.startup import bootstrap_project

    if project is None:
        configure_project(PACKAGE)
    else:
        bootstrap_project(project)


if __name__ == "__main__":
    # Kedro's packages take the options of ``kedro run`` here.
    commands() if sys.argv[1:] and not sys.argv[1].startswith("-") else main()
