"""HTML pages that need no network: one file each."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import plotly.graph_objects as go

_STYLE = """body {font-family: sans-serif; color: #222}
body {margin: 2em auto; max-width: 1400px; padding: 0 1em}
table {border-collapse: collapse; margin: 1em 0; font-size: .9em}
td, th {padding: .3em .7em; text-align: right; white-space: nowrap}
th {border-bottom: 1px solid #999} td:nth-child(-n+3), th:nth-child(-n+3) {text-align: left}
tr:nth-child(even) {background: #f4f6f8} .wide {overflow-x: auto}"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole HTML page: the title is plain text, the parts are HTML."""
    head = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
    ]
    return "\n".join([*head, *parts, "</body></html>"])


def figures(*plots: go.Figure) -> list[str]:
    """HTML of each figure, as wide as the page; the first one brings plotly's script, 5 MB."""
    return [
        '<div class="wide">' + plot.to_html(full_html=False, include_plotlyjs=place == 0) + "</div>"
        for place, plot in enumerate(plots)
    ]
