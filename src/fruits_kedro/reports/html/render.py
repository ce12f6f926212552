"""Pages from templates, in which everything that is put in is escaped."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from fruits_kedro.reports.html.sprites import data_url
from fruits_kedro.reports.html.texts import Texts


def render(
    template: str,
    texts: Texts,
    scripts: tuple[str, ...] = (),
    connects: bool = False,
    **values: Any,
) -> str:
    """A page that needs no other file and runs no scripts but its own.

    Args:
        template: in ``templates/``; ``t`` is the texts in it.
        scripts: in ``static/``.
        connects: it may ask the server that it comes from.
        values: for the template.
    """
    codes = [_read(f"static/{name}") for name in scripts]
    allowed = " ".join(map(_hash, codes)) or "'none'"
    asks = " connect-src 'self';" if connects else ""
    policy = (
        f"default-src 'none'; img-src data: blob:;{asks} style-src 'unsafe-inline'; "
        f"script-src {allowed}"
    )
    page = _environment().get_template(template)
    style = Markup(_read("static/page.css"))
    return page.render(t=texts, policy=policy, style=style, scripts=map(Markup, codes), **values)


def packed(value: Any) -> str:
    """JSON, compressed by gzip, in base64: for a script's ``DecompressionStream``."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _hash(code: str) -> str:
    digest = hashlib.sha256(code.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(lambda name: _read(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["data_url"] = data_url
    return made
