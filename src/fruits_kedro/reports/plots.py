"""What the plots of several pipelines share."""

from __future__ import annotations

from typing import Any

import numpy as np
from plotly import express as px

LAYOUT: dict[str, Any] = {"template": "plotly_white", "margin": {"t": 60, "r": 30}}


def colours(n: int) -> list[str]:
    """Colours for ``n`` sorted labels; neighbours, such as varieties of one fruit, look similar."""
    return list(px.colors.sample_colorscale("turbo", np.linspace(0.03, 0.97, n)))


def height_of_bars(n: int) -> int:
    """Height in pixels of a figure of ``n`` horizontal bars with names."""
    return max(300, 120 + 18 * n)


def right_share_axis(title: str) -> dict[str, Any]:
    """A second y axis on the right, for shares of 0 to 100 %, without a grid of its own."""
    return {
        "title": title,
        "tickformat": ".0%",
        "range": [0, 1.02],
        "overlaying": "y",
        "side": "right",
        "showgrid": False,
    }
