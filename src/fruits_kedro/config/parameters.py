"""The parameters, typed and closed: a typo or a value out of range fails before Spark starts."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    StrictFloat,
    StrictInt,
    field_validator,
    model_validator,
)

from fruits_kedro.backbones import Decoding, EngineSetting, Precision, Resize
from fruits_kedro.backbones.architectures import AUTO, find_architecture
from fruits_kedro.backbones.find import BackboneSettings
from fruits_kedro.backbones.model_file import is_model_file
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS, Preprocessing
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.config.curation import CurationParams, SelectionParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.labels import LabelFrom
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.validation import StrictModel

Split = Literal["Training", "Test", "Validation"]


class Subset(StrictModel):
    """Which photos take part.

    Attributes:
        labels: shell patterns; a label must match one. Case counts.
        splits: the splits to keep.
        images_per_class: at most this many of each class of each split.
        total: at most this many in all, balanced over the classes.
        selected: only photos that the store's ``selection`` keeps.
    """

    labels: list[str] = Field(default=["*"])
    splits: list[Split] = Field(default=["Training", "Test", "Validation"])
    images_per_class: PositiveInt | None = None
    total: PositiveInt | None = None
    selected: bool = False


class PixelStatistics(StrictModel):
    """What a model takes: ``(pixels / 255 - mean) / std``, for red, green and blue."""

    mean: tuple[float, float, float]
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class ExtractionParams(StrictModel):
    """How photos become features.

    Attributes:
        backbone: the name of an architecture ('kedro backbones' lists them), the file of a model
            (``.keras``, ``.h5``, ``.tflite``, ``.onnx``), or ``auto``: that of the store, else
            MobileNetV2.
        weights: ``auto``, ``imagenet``, ``embedded`` or a file.
        engine: ``litert`` (fast, on CPUs), ``tensorflow`` (the reference, and GPUs), ``openvino``
            (for some networks), or ``auto``: the store's or, in a new one, the fastest here.
        precision: ``f32``, or for LiteRT 8 bits in some layers (``mixed``) or all (``int8``):
            faster, with other features; of MobileNetV2 only.
        input_size: side of the backbone's input in pixels; None takes the size of the weights'
            training, or the model's own.
        preprocessing: for the file of a model, what it takes instead of pixels: ``none``, ``tf``,
            ``caffe``, ``torch`` (as in Keras), or mean and std; None if the file says it.
        layer: of the file of a model, whose output are the features.
        decoding: ``scaled`` lets the decoder shrink JPEGs that are much larger than ``input_size``:
            photos of 12 megapixels in a fifth of the time, with slightly other features.
        resize: Pillow's filter that makes photos as large as the input.
        partitions: number of feature files; by default a multiple of the cores, with about 128 MB
            at most per file.
        incremental: extract only photos that are new, changed, or done by another backbone.
        retry_rejected: extract photos again that were rejected last time.
        max_failure_rate: the run stops if a larger share of the photos is rejected.
        limits: per photo.
    """

    # Fields without a repr do not make features out of date: they say how, not what. The weights
    # count by their fingerprint.
    backbone: str = AUTO
    weights: str = Field(default="auto", repr=False)
    engine: EngineSetting = "litert"
    precision: Precision = "f32"
    input_size: Annotated[int, Field(ge=32, le=1024)] | None = None
    preprocessing: Literal["none", "tf", "caffe", "torch", "lite"] | PixelStatistics | None = None
    layer: str | None = None
    decoding: Decoding = "full"
    resize: Resize = "bicubic"
    partitions: PositiveInt | None = Field(default=None, repr=False)
    incremental: bool = Field(default=True, repr=False)
    retry_rejected: bool = Field(default=True, repr=False)
    max_failure_rate: float = Field(default=0.01, ge=0, le=1, repr=False)
    limits: ImageLimits = ImageLimits()

    @model_validator(mode="after")
    def _fits(self) -> ExtractionParams:
        if self.engine not in ("litert", "auto") and self.precision != "f32":
            raise ValueError(
                f"precision={self.precision} is LiteRT's: leave engine=litert, or precision=f32"
            )
        if is_model_file(self.backbone):
            if self.weights != "auto":
                raise ValueError("weights: the file of a model has its own")
            return self
        if self.preprocessing is not None or self.layer is not None:
            raise ValueError("preprocessing, layer: they are for the file of a model alone")
        size = 224
        if self.backbone != AUTO:
            size = find_architecture(self.backbone.lower()).input_size
        if self.input_size is not None and self.input_size % 32 and self.input_size != size:
            raise ValueError(f"input_size: a multiple of 32, or {size} of {self.backbone}")
        return self

    @property
    def backbone_settings(self) -> BackboneSettings:
        """What is asked of the backbone."""
        how = self.preprocessing
        preprocessing: Preprocessing | None
        if isinstance(how, PixelStatistics):
            preprocessing = Preprocessing.of_statistics(how.mean, how.std)
        else:
            preprocessing = None if how is None else PREPROCESSINGS[how]
        return BackboneSettings(
            backbone=self.backbone if is_model_file(self.backbone) else self.backbone.lower(),
            weights=self.weights,
            engine=self.engine,
            precision=self.precision,
            input_size=self.input_size,
            preprocessing=preprocessing,
            layer=self.layer,
            decoding=self.decoding,
            resize=self.resize,
        )


class PcaParams(StrictModel):
    """How features are reduced.

    Attributes:
        n_components: an integer is a number of components; a float in 0..1 keeps that share of the
            variance (as in scikit-learn).
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
    """Random variations while training.

    Attributes:
        flip: left to right and upside down.
        rotation: at most, in degrees, either way.
        scale: largest relative change of size.
        crop: at most, as a share of the side: the rest is enlarged.
        shift: at most, as a share of the side, in both directions.
        colour: largest relative change of brightness, contrast and saturation; a quarter of it for
            hue.
    """

    flip: bool = True
    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    crop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shift: Annotated[float, Field(ge=0, lt=1)] = 0.0
    colour: Annotated[float, Field(ge=0, lt=1)] = 0.1


class PretrainingParams(StrictModel):
    """How a backbone is trained.

    Attributes:
        init: ``random``, ``imagenet``, ``embedded`` or a weights file to start from.
        train_from: the first layer that is trained, such as ``block_7``, the earlier ones keep the
            weights they start from; None trains all.
        batch_norm: false leaves statistics and scales of batch normalisation as they are: for
            fine-tuning on some thousand photos.
        input_size: side of the backbone's input in pixels, a multiple of 32.
        epochs: passes over the photos.
        batch_size: photos per step.
        learning_rate: its peak after one epoch of warm-up; a half cosine then leads to 0.
        label_smoothing: share of the probability that the other classes get.
        validation_share: of the Training photos of each class, unless there are photos of the
            split Validation.
        class_balance: make every class count the same.
        augmentation: what is varied at random.
        weights_dtype: of the stored kernels: ``float32`` or ``float16``.
        seed: the same seed gives the same weights, on one machine and its CPUs.
    """

    init: str = "random"
    train_from: str | None = None
    batch_norm: bool = True
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

    @model_validator(mode="after")
    def _starts_from_weights(self) -> PretrainingParams:
        if self.init == "random" and (self.train_from is not None or not self.batch_norm):
            raise ValueError(
                "train_from, batch_norm=false: they keep weights, so give init=imagenet, embedded "
                "or a file"
            )
        return self


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


class Parameters(StrictModel):
    """All parameters of the project; ``images`` and ``store`` are roots."""

    subset: str
    subsets: dict[str, Subset]
    label_from: LabelFrom = "parent"
    replace_images: bool = False
    extraction: ExtractionParams
    pca: PcaParams
    pretraining: PretrainingParams
    classification: ClassificationParams
    curation: CurationParams = CurationParams()
    selection: SelectionParams = SelectionParams()
    report: ReportParams = ReportParams()
    images: str | None = None
    store: str | None = None


def select_subset(subset: str, subsets: dict[str, Any]) -> Subset:
    """The subset of that name; FruitsError if there is none."""
    if subset not in subsets:
        raise FruitsError(
            f"subset={subset} is not known; there are: {', '.join(sorted(subsets))}.\n"
            "Define one of your own under 'subsets' in conf/local/parameters.yml."
        )
    return Subset.model_validate(subsets[subset])
