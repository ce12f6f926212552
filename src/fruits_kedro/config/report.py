"""The parameters of the report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from fruits_kedro.validation import StrictModel


class ReportParams(StrictModel):
    """How the report is made.

    Attributes:
        language: ``en`` or ``fr``.
        photos: at most so many are on the map: a sample of more, balanced over the labels.
        seed: of the map.
    """

    language: Literal["en", "fr"] = "en"
    photos: PositiveInt = 100_000
    seed: Annotated[int, Field(ge=0)] = 0
