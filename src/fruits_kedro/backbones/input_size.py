"""The side of the photos that a user's model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fruits_kedro.errors import FruitsError


def check_size(path: Path, own: Any, asked: int | None) -> int:
    """The side of the input in pixels.

    Args:
        own: the sides that the model has; None, or a name, where it takes any.

    Raises:
        FruitsError: it is not square, of another side than is asked for, or nobody says it.
    """
    sides = {side for side in own if isinstance(side, int) and side > 0}
    if len(sides) > 1:
        raise FruitsError(f"{path} takes photos of {own[0]} x {own[1]} pixels: no square ones.")
    if asked is not None and sides - {asked}:
        raise FruitsError(f"{path} takes {sides.pop()} pixels, and extraction.input_size={asked}.")
    if not sides and asked is None:
        raise FruitsError(
            f"{path} takes photos of any size.\nSay which: extraction.input_size=224."
        )
    return asked or sides.pop()
