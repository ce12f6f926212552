"""The parameters of a curation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from fruits_kedro.validation import StrictModel


class CurationParams(StrictModel):
    """What is asked of the photos of a store.

    Attributes:
        neighbours: how many of the most similar photos each photo has.
        exact_images: up to so many photos, every pair is compared; beyond, an index of cells
            (IVF) finds the neighbours, and their similarities are exact.
        recall: the share of the exact neighbours that the index has to find on a sample.
        deviations: robust standard deviations, by more than which an outlier is further from its
            neighbours than is usual in its label, or a figure of quality is unusual.
        clusters: how many, or ``auto``: as many as there are labels, else the square root of half
            the photos.
        seed: of all that is drawn.
    """

    neighbours: PositiveInt = 10
    exact_images: Annotated[int, Field(ge=0)] = 50_000
    recall: Annotated[float, Field(gt=0, le=1)] = 0.995
    deviations: Annotated[float, Field(gt=0)] = 5.0
    clusters: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
