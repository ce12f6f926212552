"""The limits of a photo."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from fruits_kedro.images.decode import MAX_PIXELS
from fruits_kedro.validation import StrictModel


class ImageLimits(StrictModel):
    """The limits of a photo; one beyond them is rejected with a reason.

    Attributes:
        bytes: of the file.
        pixels: width times height; Pillow's own limit is the maximum.
        seconds: to decode and resize.
    """

    bytes: PositiveInt = 100_000_000
    pixels: Annotated[int, Field(ge=1, le=MAX_PIXELS)] = MAX_PIXELS
    seconds: PositiveFloat = 30.0
