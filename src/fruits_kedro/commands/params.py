"""The values of ``--params``, as Kedro reads them; but places are taken as they are written."""

from __future__ import annotations

from typing import Any

import click
from kedro.framework.cli.utils import _split_params

# Paths and the like: Kedro would read them as YAML, in which 2024_01 is a number.
_TEXTS = ("images", "store", "extraction.weights", "pretraining.init")


def read_params(ctx: click.Context, param: click.Parameter, value: Any) -> dict[str, Any]:
    """As a callback of click: :func:`parse_params`."""
    return value if isinstance(value, dict) else parse_params(value)


def parse_params(value: str) -> dict[str, Any]:
    """The parameters of ``--params``: ``name=value`` pairs with commas between them.

    A part without ``=`` that follows a place belongs to it: names may have commas.

    Raises:
        click.UsageError: names the part that cannot be read.
    """
    texts: dict[str, str] = {}
    others: list[str] = []
    place: str | None = None
    for item in value.split(","):
        name, equals, text = item.partition("=")
        if equals:
            place = name.strip() if name.strip() in _TEXTS else None
        if place is not None:
            texts[place] = text if equals else f"{texts[place]},{item}"
        else:
            others.append(item)
    found = _read_yaml(",".join(others))
    for name, text in texts.items():
        *groups, last = name.split(".")
        target = found
        for group in groups:
            target = target.setdefault(group, {})
        target[last] = text
    return found


def _read_yaml(text: str) -> dict[str, Any]:
    context = click.Context(click.Command("run"))
    try:
        return dict(_split_params(context, click.Option(["--params"]), text))
    except click.ClickException:
        raise
    except Exception:  # PyYAML and OmegaConf raise many types
        raise click.UsageError(
            f"--params: {text!r} cannot be read: the value of a parameter is YAML. "
            "Put text with special characters in quotes: name='\"[text]\"'."
        ) from None
