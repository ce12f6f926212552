"""What a photo may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from fruits_kedro.images.decode import MAX_PIXELS
from fruits_kedro.validation import StrictModel


class ImageLimits(StrictModel):
    """What a photo may cost; one that costs more is rejected, with a reason.

    Attributes:
        bytes: of the file.
        pixels: width times height; Pillow's own limit is the most.
        seconds: to decode and resize it.
    """

    bytes: PositiveInt = 100_000_000
    pixels: Annotated[int, Field(ge=1, le=MAX_PIXELS)] = MAX_PIXELS
    seconds: PositiveFloat = 30.0
