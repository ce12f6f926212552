"""What the commands show: tables, counters, and the state of a long wait."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

Shown = dict[str, Any]


def finish(result: Shown, as_json: bool) -> None:
    """Print a command's result; exit with 1 if it says ``failed``."""
    failed = result.pop("failed", False)
    if as_json:
        click.echo(json.dumps(result, default=str))
    else:
        _show(result)
    if failed:
        raise SystemExit(1)


def _show(result: Shown) -> None:
    from rich import box, get_console
    from rich.markup import escape
    from rich.table import Table

    for title, value in result.items():
        entries = list(value.items()) if isinstance(value, dict) else value
        entries = entries if isinstance(entries, list) else [entries]
        rows = [tuple(e.values()) if isinstance(e, dict) else e for e in entries]
        rows = [tuple(map(str, r)) if isinstance(r, tuple) else (str(r),) for r in rows]
        if any(len(row) == 1 or "\n" in row[-1] for row in rows):  # has lines of its own
            click.echo(f"\n{title}")
            for row in rows:
                click.echo("  " + "\n".join(row).replace("\n", "\n  "))
        elif rows:
            table = Table(box=box.SIMPLE, show_header=False, title=title, title_justify="left")
            for row in rows:
                table.add_row(*map(escape, row))  # a path may look like rich's markup
            get_console().print(table)


def progress(what: str) -> Callable[[int, int], None]:
    """A counter of files on standard error, for terminals only."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{what}: {done + 1} of {total} ", err=True, nl=done + 1 == total)

    return show


def waiting(what: str) -> Callable[..., None]:
    """A function that shows a state when it changes and once a minute, with the run's progress."""
    last = [""]

    def show(state: str, seconds: float, progress: Shown | None = None) -> None:
        text = f"{what}: {state}"
        if progress:
            text += f", {progress['what']}: {progress['done']:,} of {progress['total']:,}"
            if (speed := progress["images_per_s"]) > 0:
                left = (progress["total"] - progress["done"]) / speed
                text += f" at {speed:,.0f}/s, {left / 60:.0f} min left"
        if text != last[0] or seconds % 60 < 10:
            click.echo(f"{seconds / 60:5.1f} min  {text}", err=True)
        last[0] = text

    return show
