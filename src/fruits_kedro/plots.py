"""What the figures of several pipelines have in common."""

from __future__ import annotations

from typing import Any


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
