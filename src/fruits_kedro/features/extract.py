"""Photos to features, or the reason why not, in a worker. No Spark in here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from fruits_kedro.backbones import Backbone, Decoding, FeatureModel, Resize
from fruits_kedro.errors import ImageError
from fruits_kedro.features.schema import QUALITY
from fruits_kedro.images.decode import decode, full_size, resize
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.quality import ImageQuality, measure_quality
from fruits_kedro.images.thumbnail import gray_thumbnail, picture_of_remains, small_picture
from fruits_kedro.images.timeout import TimeLimitError, time_limit

# Rows of an output batch: 330 kB of features, small enough for a progress bar that moves.
_ROWS = 64
# Photos decoded before the model runs on them, 5 MB of pixels: alternating would thrash the caches.
_CHUNK = 32

# A JPEG is shrunk to no less than this multiple of the backbone's input.
_SHRINK_TO = 2

_SECONDS_FOR_REMAINS = 2.0

_LIMITS = ImageLimits()

# A Python worker of Spark serves many tasks, but builds the model once.
_models: dict[tuple[str, str], FeatureModel] = {}


class Facts(NamedTuple):
    """What a photo's file and pixels tell beside its features."""

    content_hash: str
    quality: ImageQuality
    thumbnail: bytes
    picture: bytes


class Loaded(NamedTuple):
    """A photo as the backbone sees it: uint8 ``(size, size, 3)``."""

    pixels: NDArray[np.uint8]
    facts: Facts


class Extracted(NamedTuple):
    """Features of a photo: float32 ``(n_features,)``."""

    features: NDArray[np.float32]
    facts: Facts


Outcome = NDArray[np.float32] | ImageError
_Made = TypeVar("_Made")

ReadAll = Callable[[Sequence[str]], Iterable[bytes | ImageError]]


def extract_batches(
    batches: Iterable[pa.RecordBatch], read_all: ReadAll, backbone: Backbone, limits: ImageLimits
) -> Iterator[pa.RecordBatch]:
    """Batches of extracted features from batches of the image index.

    Args:
        batches: ``path``, ``bytes`` and any other columns.
        read_all: the bytes of each photo by its path, or why they cannot be read.

    Yields:
        The columns that came in and ``features, error, fingerprint, engine, content_hash, quality,
        thumbnail, picture``, one row for each row in, in order. Either ``features`` (list of
        float32) or ``error`` (string) is null. With an error the last four are null, too, but a
        ``picture`` of what can be read.
    """
    model = get_model(backbone)
    for batch in batches:
        contents = _read(batch, read_all, limits.bytes)
        for start in range(0, batch.num_rows, _ROWS):
            rows = batch.slice(start, _ROWS)
            outcomes = extract_photos(islice(contents, rows.num_rows), model, backbone, limits)
            yield _to_batch(rows, outcomes, backbone)


def _read(batch: pa.RecordBatch, read_all: ReadAll, max_bytes: int) -> Iterator[bytes | ImageError]:
    photos = list(zip(batch.column("path").to_pylist(), batch.column("bytes").to_pylist()))
    contents = iter(read_all([path for path, length in photos if length <= max_bytes]))
    for _, length in photos:
        if length <= max_bytes:
            yield next(contents)
        else:
            detail = f"{length:,} bytes, and {max_bytes:,} are allowed"
            yield ImageError("read", "too_large", detail)


def get_model(backbone: Backbone) -> FeatureModel:
    """The backbone's model, built once per process."""
    key = (backbone.fingerprint, backbone.engine)
    if key not in _models:
        _models[key] = backbone.load_model()
    return _models[key]


def extract(
    contents: Iterable[bytes | ImageError],
    model: FeatureModel,
    backbone: Backbone,
    limits: ImageLimits = _LIMITS,
) -> list[Outcome]:
    """Features of each photo (float32, ``(n_features,)``), or the ImageError that says why not."""
    outcomes: list[Outcome] = []
    contents = iter(contents)
    while chunk := list(islice(contents, _CHUNK)):
        loaded = [load_pixels(x, *_how(backbone, limits)) for x in chunk]
        usable = [pixels for pixels in loaded if not isinstance(pixels, ImageError)]
        features = iter(_infer(usable, model))
        outcomes += [one if isinstance(one, ImageError) else next(features) for one in loaded]
    return outcomes


def extract_photos(
    contents: Iterable[bytes | ImageError],
    model: FeatureModel,
    backbone: Backbone,
    limits: ImageLimits,
) -> list[Extracted | ImageError]:
    """Each photo's features and facts, or the ImageError that says why not."""
    outcomes: list[Extracted | ImageError] = []
    contents = iter(contents)
    while chunk := list(islice(contents, _CHUNK)):
        loaded = [load_photo(x, *_how(backbone, limits)) for x in chunk]
        usable = [photo.pixels for photo in loaded if not isinstance(photo, ImageError)]
        features = iter(_infer(usable, model))
        for photo in loaded:
            if isinstance(photo, ImageError):
                outcomes.append(photo)
                continue
            found = next(features)
            if isinstance(found, ImageError):
                found.picture = photo.facts.picture
                outcomes.append(found)
            else:
                outcomes.append(Extracted(found, photo.facts))
    return outcomes


def _how(backbone: Backbone, limits: ImageLimits) -> tuple[int, ImageLimits, Decoding, Resize]:
    return backbone.input_size, limits, backbone.decoding, backbone.resize


def load_pixels(
    content: bytes | ImageError,
    size: int,
    limits: ImageLimits,
    decoding: Decoding = "full",
    by: Resize = "bicubic",
) -> NDArray[np.uint8] | ImageError:
    """One decoded and resized photo: uint8 ``(size, size, 3)``, or the ImageError."""
    at_least = _shrink_to(size, decoding)
    return _load(content, limits, at_least, lambda _, image: resize(image, size, by))


def load_photo(
    content: bytes | ImageError,
    size: int,
    limits: ImageLimits,
    decoding: Decoding = "full",
    by: Resize = "bicubic",
) -> Loaded | ImageError:
    """One decoded and resized photo and its facts, or the ImageError."""

    def describe(file: bytes, image: Image.Image) -> Loaded:
        pixels = resize(image, size, by)
        # The backbone's input stands for a photo with more pixels: reducing those takes longer.
        seen = image if max(image.size) <= size else Image.fromarray(pixels)
        gray = seen.convert("L")
        quality = measure_quality(full_size(image), gray)
        small = gray_thumbnail(gray), small_picture(seen, full_size(image))
        return Loaded(pixels, Facts(hashlib.sha256(file).hexdigest(), quality, *small))

    loaded = _load(content, limits, _shrink_to(size, decoding), describe)
    if isinstance(loaded, ImageError) and loaded.stage == "decode" and isinstance(content, bytes):
        with suppress(TimeLimitError), time_limit(_SECONDS_FOR_REMAINS):
            loaded.picture = picture_of_remains(content, limits.pixels)
    return loaded


def _shrink_to(size: int, decoding: Decoding) -> int | None:
    """The square below which the decoder may not shrink a JPEG; None: it may not shrink it."""
    return _SHRINK_TO * size if decoding == "scaled" else None


def _load(
    content: bytes | ImageError,
    limits: ImageLimits,
    at_least: int | None,
    make: Callable[[bytes, Image.Image], _Made],
) -> _Made | ImageError:
    """What a function makes of a file and its decoded photo, or the ImageError."""
    if isinstance(content, ImageError):
        return content
    try:
        with time_limit(limits.seconds):
            return make(content, decode(content, limits.pixels, at_least))
    except ImageError as error:
        return error
    except TimeLimitError:
        return ImageError("decode", "too_slow", f"more than {limits.seconds:g} s")


def _infer(images: list[NDArray[np.uint8]], model: FeatureModel) -> list[Outcome]:
    if not images:
        return []
    try:
        features = model(np.stack(images))
    except Exception as error:
        if len(images) > 1:  # isolate the photo at fault
            return [outcome for image in images for outcome in _infer([image], model)]
        return [ImageError("infer", "failed", error)]
    not_finite = ImageError("infer", "not_finite", "the features hold NaN or infinity")
    return [row if np.isfinite(row).all() else not_finite for row in features]


def _to_batch(
    rows: pa.RecordBatch, outcomes: list[Extracted | ImageError], backbone: Backbone
) -> pa.RecordBatch:
    photos = [None if isinstance(outcome, ImageError) else outcome for outcome in outcomes]
    usable = np.array([photo is not None for photo in photos])
    lengths = np.where(usable, backbone.n_features, 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    vectors = [photo.features for photo in photos if photo]
    values = np.concatenate(vectors) if vectors else np.empty(0, np.float32)
    errors = [str(outcome) if isinstance(outcome, ImageError) else None for outcome in outcomes]
    facts = [photo.facts if photo else None for photo in photos]
    pictures = [o.picture if isinstance(o, ImageError) else o.facts.picture for o in outcomes]
    features = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), mask=pa.array(~usable))
    columns = dict(zip(rows.schema.names, rows.columns)) | {
        "features": features,
        "error": pa.array(errors, pa.string()),
        "fingerprint": pa.array([backbone.fingerprint] * len(outcomes), pa.string()),
        "engine": pa.array([backbone.engine] * len(outcomes), pa.string()),
        "content_hash": pa.array([f and f.content_hash for f in facts], pa.string()),
        "quality": pa.array([f and f.quality._asdict() for f in facts], QUALITY),
        "thumbnail": pa.array([f and f.thumbnail for f in facts], pa.binary()),
        "picture": pa.array(pictures, pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)
