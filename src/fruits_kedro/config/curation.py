"""The parameters of a curation."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, PositiveInt

from fruits_kedro.validation import SPLIT, StrictModel

Kind = Literal["keep", "bytes", "pixels", "near"]
Verdict = Literal["keep", "leave_out"]
Flag = Literal["blurry", "dark", "light", "low_information", "odd_size", "odd_aspect_ratio"]


class CurationParams(StrictModel):
    """What is asked of the photos of a store.

    Attributes:
        neighbours: how many of the most similar photos each photo has.
        incremental: whether neighbours of an earlier run stay where photos have not changed.
        exact_images: up to so many photos, every pair is compared; beyond, an index of cells
            (IVF) finds the neighbours, and their similarities are exact.
        index_images: from so many photos, the store has a ``similarity_index`` for ``kedro
            similar``; it reads all features of fewer photos.
        recall: the share of the exact neighbours that the index has to find on a sample.
        near: photos are nearly the same if the gray values (0 to 255) of their thumbnails differ by
            at most this (root mean square); also if one is mirrored.
        deviations: robust standard deviations, by more than which an outlier is further from its
            neighbours than is usual in its label, or a figure of quality is unusual.
        clusters: how many, or ``auto``: as many as there are labels, else the square root of half
            the photos.
        seed: of all that is drawn.
    """

    neighbours: PositiveInt = 10
    incremental: bool = True
    exact_images: Annotated[int, Field(ge=0)] = 50_000
    index_images: Annotated[int, Field(ge=0)] = 200_000
    recall: Annotated[float, Field(gt=0, le=1)] = 0.995
    near: Annotated[float, Field(ge=0)] = 1.2
    deviations: Annotated[float, Field(gt=0)] = 5.0
    clusters: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0


class SelectionParams(StrictModel):
    """What a selection leaves out.

    Attributes:
        duplicates: one photo of each group stays in each split: of those with the same ``bytes``,
            also with the same ``pixels``, also ``near`` ones; or ``keep``.
        leaks: Training photos leave if Test or Validation keeps them, in the same sense.
        quality: flags that a photo may not have; in ``--params``, joined by ``+``.
        outliers: ``keep`` or ``leave_out``.
        label_issues: ``keep`` or ``leave_out``.
        total: how many photos to choose of those that are left: the ones to label first.
    """

    duplicates: Kind = "near"
    leaks: Kind = "near"
    quality: Annotated[list[Flag], SPLIT] = Field(default=list(get_args(Flag)))
    outliers: Verdict = "keep"
    label_issues: Verdict = "keep"
    total: PositiveInt | None = None
