"""What the figures of several pipelines have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from plotly import express as px

LAYOUT: dict[str, Any] = {"template": "plotly_white", "margin": {"t": 60, "r": 30}}


def colours(n: int) -> list[str]:
    """Neighbours in the alphabet, such as varieties of one fruit, get similar colours."""
    return list(px.colors.sample_colorscale("turbo", np.linspace(0.03, 0.97, n)))


def height_of_bars(n: int) -> int:
    """In pixels, of a figure of so many horizontal bars, each with its name."""
    return max(300, 120 + 18 * n)


def right_share_axis(title: str) -> dict[str, Any]:
    """A second y axis for shares of 0 to 100 %, on the right, over the first one's grid."""
    return {
        "title": title,
        "tickformat": ".0%",
        "range": [0, 1.02],
        "overlaying": "y",
        "side": "right",
        "showgrid": False,
    }
