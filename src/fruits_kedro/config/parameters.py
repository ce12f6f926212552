"""The parameters, typed and closed: a typo or a value out of range fails before Spark starts."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    PositiveInt,
    StrictFloat,
    StrictInt,
    field_validator,
    model_validator,
)

from fruits_kedro.backbones import Engine, Precision
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.validation import StrictModel

Split = Literal["Training", "Test", "Validation"]


class Subset(StrictModel):
    """Which photos take part.

    Attributes:
        labels: shell patterns, of which a label has to match one; case counts.
        splits: the splits to keep.
        images_per_class: at most so many of each class of each split.
        total: at most so many in all, balanced over the classes.
    """

    labels: list[str] = Field(default=["*"])
    splits: list[Split] = Field(default=["Training", "Test", "Validation"])
    images_per_class: PositiveInt | None = None
    total: PositiveInt | None = None


class ExtractionParams(StrictModel):
    """How photos become features.

    Attributes:
        weights: ``auto``, ``imagenet``, ``embedded`` or a file.
        engine: ``litert`` (fast, on CPUs) or ``tensorflow`` (the reference, and GPUs).
        precision: ``f32``, or in 8 bits ``mixed`` (a part of the layers) or ``int8`` (all of
            them), for LiteRT: faster, and other features.
        input_size: side of the backbone's input in pixels, a multiple of 32; by default what
            the weights were trained on.
        partitions: files of the features; by default as many as there are cores.
        incremental: extract only photos that are new, changed, or done by another backbone.
        retry_rejected: extract photos again that could not be used last time.
        max_failure_rate: the run stops where a larger share of the photos cannot be used.
        limits: what a photo may cost.
    """

    weights: str = "auto"
    engine: Engine = "litert"
    precision: Precision = "f32"
    input_size: Annotated[int, Field(ge=32, le=512, multiple_of=32)] | None = None
    partitions: PositiveInt | None = None
    incremental: bool = True
    retry_rejected: bool = True
    max_failure_rate: Annotated[float, Field(ge=0, le=1)] = 0.01
    limits: ImageLimits = ImageLimits()

    @model_validator(mode="after")
    def _of_engine(self) -> ExtractionParams:
        if self.engine != "litert" and self.precision != "f32":
            raise ValueError(
                f"precision={self.precision} is LiteRT's: leave engine=litert, or precision=f32"
            )
        return self


class PcaParams(StrictModel):
    """How features are reduced.

    Attributes:
        n_components: an integer: so many components; a share between 0 and 1: as many as keep
            that share of the variance (as in scikit-learn).
        standardize: divide each feature by its standard deviation first.
    """

    n_components: StrictInt | StrictFloat = 0.95
    standardize: bool = False

    @field_validator("n_components", mode="before")
    @classmethod
    def _in_range(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError("must be a whole number of components, or a share such as 0.95")
        if isinstance(value, int) and value < 1:
            raise ValueError(f"a number of components is 1 or more, not {value}")
        if isinstance(value, float) and not 0 < value < 1:
            raise ValueError(
                f"a share of the variance lies between 0 and 1 (both excluded), not {value}; "
                "for a number of components write an integer"
            )
        return value


class Augmentation(StrictModel):
    """What is varied at random while training.

    Attributes:
        flip: left to right and upside down.
        rotation: up to so many degrees, either way.
        scale: up to this share larger or smaller.
        colour: up to this share of brightness, contrast and saturation, a quarter of it of hue.
    """

    flip: bool = True
    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    colour: Annotated[float, Field(ge=0, lt=1)] = 0.1


class PretrainingParams(StrictModel):
    """How a backbone is trained.

    Attributes:
        init: ``random``, ``imagenet``, ``embedded`` or a file of weights to go on from.
        input_size: side of the backbone's input in pixels, a multiple of 32.
        epochs: passes over the photos.
        batch_size: photos a step.
        learning_rate: its peak, reached after one epoch; a half cosine leads down to 0.
        label_smoothing: share of the probability that the other classes get.
        validation_share: of the Training photos of each class.
        class_balance: make every class count the same.
        augmentation: what is varied at random.
        weights_dtype: of the stored kernels: ``float32`` or ``float16``.
        seed: the same seed gives the same weights, on one machine and its CPUs.
    """

    init: str = "random"
    input_size: Annotated[int, Field(ge=32, le=512, multiple_of=32)] = 96
    epochs: PositiveInt = 30
    batch_size: Annotated[int, Field(ge=2)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 0.002
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    validation_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    class_balance: bool = True
    augmentation: Augmentation = Augmentation()
    renamed: ClassVar[dict[str, str]] = {"precision": "weights_dtype (float32 or float16)"}

    weights_dtype: Literal["float32", "float16"] = "float32"
    seed: Annotated[int, Field(ge=0)] = 0


class Parameters(StrictModel):
    """All parameters of the project, and nothing else; ``images`` and ``store`` are places."""

    subset: str
    subsets: dict[str, Subset]
    extraction: ExtractionParams
    pca: PcaParams
    pretraining: PretrainingParams
    classification: ClassificationParams
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
