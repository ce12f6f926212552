"""The parameters, typed and closed: a typo or a value out of range fails before Spark starts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StrictFloat,
    StrictInt,
    field_validator,
)

from fruits_kedro.backbones import Engine
from fruits_kedro.errors import FruitsError

Split = Literal["Training", "Test", "Validation"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subset(_Closed):
    """Which photos take part.

    Attributes:
        labels: shell patterns, of which a label has to match one; case counts.
        splits: the splits to keep.
        images_per_class: at most so many of each class of each split.
        total: at most so many in all, balanced over the classes.
    """

    labels: list[str] = ["*"]
    splits: list[Split] = ["Training", "Test", "Validation"]
    images_per_class: PositiveInt | None = None
    total: PositiveInt | None = None


class ExtractionParams(_Closed):
    """How photos become features.

    Attributes:
        weights: ``auto``, ``imagenet`` or a file.
        engine: ``litert`` (fast, on CPUs) or ``tensorflow`` (the reference, and GPUs).
        input_size: side of the backbone's input in pixels, a multiple of 32.
        partitions: of the images; by default as many as there are cores.
    """

    weights: str = "auto"
    engine: Engine = "litert"
    input_size: Annotated[int, Field(ge=32, le=512, multiple_of=32)] = 224
    partitions: PositiveInt | None = None


class PcaParams(_Closed):
    """How features are reduced.

    Attributes:
        n_components: an integer: so many components; a share between 0 and 1: as many as keep
            that share of the variance (as in scikit-learn).
        standardize: divide each feature by its standard deviation first.
    """

    n_components: StrictInt | StrictFloat = 0.95
    standardize: bool = False

    @field_validator("n_components")
    @classmethod
    def _in_range(cls, value: int | float) -> int | float:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"a number of components is 1 or more, not {value}")
        if isinstance(value, float) and not 0 < value < 1:
            raise ValueError(
                f"a share of the variance lies between 0 and 1 (both excluded), not {value}; "
                "for a number of components write an integer"
            )
        return value


class Parameters(_Closed):
    """All parameters of the project, and nothing else; ``images`` and ``store`` are places."""

    subset: str
    subsets: dict[str, Subset]
    extraction: ExtractionParams
    pca: PcaParams
    images: str | None = None
    store: str | None = None


def select_subset(subset: str, subsets: dict[str, Any]) -> Subset:
    """Return the subset of that name.

    Raises:
        FruitsError: there is none.
    """
    if subset not in subsets:
        raise FruitsError(
            f"subset={subset} is not known; there are: {', '.join(sorted(subsets))}.\n"
            "Define one of your own under 'subsets' in conf/local/parameters.yml."
        )
    return Subset.model_validate(subsets[subset])
