"""Labelled photos for Keras: batches of pixels, classes and weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.features.extract import ReadAll, load_pixels
from fruits_kedro.images.limits import ImageLimits

_LIMITS = ImageLimits()

Batch = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]


def split_validation(index: pd.DataFrame, share: float, batch_size: int) -> pd.Series:
    """Which photos to validate on: those of the split Validation or, without one, of Training.

    Args:
        index: ``path, split, label``; Test, rows without a label, and photos of the split
            Validation whose class is not in Training are left out.
        share: of the Training photos of each class, rounded down, where there is no Validation.
        batch_size: the least number of photos to train on.

    Returns:
        Booleans, true for validation, with the index of the rows that take part.

    Raises:
        FruitsError: fewer than two classes, or too few photos to train on.
    """
    training = index[(index["split"] == "Training") & index["label"].notna()]
    labels = training["label"].unique()
    if len(labels) < 2:
        raise FruitsError(
            f"Training needs photos of two classes or more; the Training split has {len(labels)}"
            f"{f' ({labels[0]})' if len(labels) else ''}."
        )
    given = index[(index["split"] == "Validation") & index["label"].isin(labels)]
    if len(given):
        validation = pd.concat([training, given])["split"] == "Validation"
    else:
        validation = _share_of_each(training, share)
    if (~validation).sum() < batch_size:
        raise FruitsError(
            f"There are {(~validation).sum()} photos to train on, fewer than a batch of "
            f"{batch_size}: give more photos, or a smaller pretraining.batch_size."
        )
    return validation


def _share_of_each(training: pd.DataFrame, share: float) -> pd.Series:
    hashed = pd.util.hash_array(training["path"].to_numpy(object))
    rank = pd.Series(hashed, training.index).groupby(training["label"]).rank(method="first")
    size = training.groupby("label")["path"].transform("size")
    return rank <= np.floor(size * share)


def class_weights(labels: pd.Series) -> dict[str, float]:
    """Weights n / (k n_c), scikit-learn's ``balanced``: every class counts the same."""
    counts = labels.value_counts()
    return {label: len(labels) / (len(counts) * n) for label, n in counts.items()}


class LabelledPhotos(keras.utils.PyDataset):
    """Batches of ``pixels`` (uint8), ``classes`` (float32, one-hot) and ``weights`` (float32).

    A photo that cannot be decoded stays in its batch with weight 0, and is listed in ``unusable``.

    Args:
        photos: ``path`` and ``label``.
        classes: all labels, in the order of the model's outputs.
        read_all: bytes of each photo by its path, or why it cannot be read.
        input_size: side of the images, in pixels.
        batch_size: photos per batch; a shuffled epoch leaves out a smaller last batch.
        weights: of each class; 1 by default.
        shuffle_seed: shuffles each epoch differently, and equally for equal seeds.
    """

    def __init__(
        self,
        photos: pd.DataFrame,
        classes: list[str],
        read_all: ReadAll,
        *,
        input_size: int,
        batch_size: int,
        weights: dict[str, float] | None = None,
        shuffle_seed: int | None = None,
    ) -> None:
        super().__init__(workers=2, max_queue_size=4)
        self._paths = photos["path"].to_numpy(object)
        number = {label: i for i, label in enumerate(classes)}
        self._classes = photos["label"].map(number).to_numpy(int)
        self._weights = photos["label"].map(weights or dict.fromkeys(classes, 1.0)).to_numpy("f4")
        self._read_all, self._size, self._n_classes = read_all, input_size, len(classes)
        self._batch_size, self._seed = batch_size, shuffle_seed
        self.unusable: set[str] = set()
        self.start_epoch(0)

    @property
    def n_photos(self) -> int:
        """Number of photos."""
        return len(self._paths)

    def start_epoch(self, epoch: int) -> None:
        """Put the photos in the order of that epoch."""
        self._epoch = epoch
        self._order: NDArray[Any] = np.arange(len(self._paths))
        if self._seed is not None:
            self._order = np.random.default_rng([self._seed, epoch]).permutation(self._order)

    def on_epoch_end(self) -> None:
        """Start the next epoch; Keras calls this."""
        self.start_epoch(self._epoch + 1)

    def __len__(self) -> int:
        full, rest = divmod(len(self._paths), self._batch_size)
        return full + (rest > 0 and self._seed is None)

    def __getitem__(self, batch: int) -> Batch:
        rows = self._order[batch * self._batch_size :][: self._batch_size]
        pixels = np.zeros((len(rows), self._size, self._size, 3), np.uint8)
        weights = self._weights[rows].copy()
        paths = self._paths[rows].tolist()
        for place, content in enumerate(self._read_all(paths)):
            loaded = load_pixels(content, self._size, _LIMITS)
            if isinstance(loaded, ImageError):
                weights[place] = 0
                self.unusable.add(f"{paths[place]}: {loaded}")
            else:
                pixels[place] = loaded
        return pixels, np.eye(self._n_classes, dtype=np.float32)[self._classes[rows]], weights
