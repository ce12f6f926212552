"""Trains MobileNetV2 as a classifier of labelled photos, and keeps the backbone."""

from __future__ import annotations

import functools
import hashlib
import logging
import sys
import time
from dataclasses import dataclass
from typing import Any

import keras
import pandas as pd
import tensorflow as tf

from fruits_kedro.backbones.architectures import MOBILENETV2
from fruits_kedro.config.parameters import PretrainingParams
from fruits_kedro.features.extract import ReadAll
from fruits_kedro.pretraining.checkpoint import Checkpoint
from fruits_kedro.pretraining.classifier import build_classifier
from fruits_kedro.pretraining.photos import LabelledPhotos, class_weights, split_validation

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        backbone: MobileNetV2 without its classifier.
        history: one row per epoch: ``epoch, loss, accuracy, val_loss, val_accuracy, seconds``.
        settings: all that decides the weights.
        outcome: counts of photos, seconds, and the last epoch.
    """

    backbone: keras.Model
    history: pd.DataFrame
    settings: dict[str, Any]
    outcome: dict[str, Any]


def train(
    index: pd.DataFrame,
    read_all: ReadAll,
    params: PretrainingParams,
    init: Any,
    checkpoint: Checkpoint,
) -> Trained:
    """A backbone trained on the Training photos; resumes an interrupted training.

    Args:
        index: ``path, split, label`` of the photos.
        read_all: bytes of each photo by its path, or why it cannot be read.
        init: weights to start from, as for :func:`keras_models.build`.
        checkpoint: keeps each finished epoch.

    Raises:
        FruitsError: too few classes or photos, a checkpoint of another training, a full disk.
    """
    validation = split_validation(index, params.validation_share, params.batch_size)
    photos = index.loc[validation.index]
    classes = sorted(photos["label"].unique())
    settings = _settings(params, photos, classes)
    _be_deterministic(params.seed)
    fit_on, validate_on = _batches(photos, validation, classes, read_all, params)
    found = checkpoint.load(settings)
    if found:
        model, history = found
        logger.info("Going on after epoch %d of %d.", len(history), params.epochs)
    else:
        model, history = build_classifier(params, init, len(classes), len(fit_on)), []
    fit_on.start_epoch(len(history))
    if len(history) < params.epochs:
        model.fit(
            fit_on,
            validation_data=validate_on if len(validate_on) else None,
            initial_epoch=len(history),
            epochs=params.epochs,
            shuffle=False,  # LabelledPhotos shuffles photos; Keras would shuffle batches
            callbacks=[_KeepEpoch(checkpoint, settings, history)],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    outcome = _outcome(fit_on, validate_on, history)
    backbone = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    return Trained(backbone, pd.DataFrame(history), settings, outcome)


def _outcome(
    fit_on: LabelledPhotos, validate_on: LabelledPhotos, history: list[dict[str, float]]
) -> dict[str, Any]:
    unusable = fit_on.unusable | validate_on.unusable
    if unusable:
        some = "; ".join(sorted(unusable)[:3])
        logger.warning("%d photos could not be used: %s", len(unusable), some)
    return {
        "images": {"fit": fit_on.n_photos, "validation": validate_on.n_photos},
        "unusable": len(unusable),
        "seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        "last_epoch": history[-1],
    }


def _batches(
    photos: pd.DataFrame,
    validation: pd.Series,
    classes: list[str],
    read_all: ReadAll,
    params: PretrainingParams,
) -> tuple[LabelledPhotos, LabelledPhotos]:
    fit_on, validate_on = photos[~validation], photos[validation]
    weights = class_weights(fit_on["label"]) if params.class_balance else None
    batches = functools.partial(
        LabelledPhotos,
        classes=classes,
        read_all=read_all,
        input_size=params.input_size,
        batch_size=params.batch_size,
    )
    return batches(fit_on, weights=weights, shuffle_seed=params.seed), batches(validate_on)


def _settings(
    params: PretrainingParams, photos: pd.DataFrame, classes: list[str]
) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(sorted(photos["path"])).encode()).hexdigest()
    return {
        "architecture": MOBILENETV2,
        **params.model_dump(),
        "classes": classes,
        "photos_sha256": digest,
    }


def _be_deterministic(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    if not tf.config.list_physical_devices("GPU"):  # free on CPUs, expensive on GPUs
        tf.config.experimental.enable_op_determinism()


class _KeepEpoch(keras.callbacks.Callback):
    """Saves a checkpoint after each epoch, with its seconds."""

    def __init__(
        self, checkpoint: Checkpoint, settings: dict[str, Any], history: list[dict[str, float]]
    ) -> None:
        super().__init__()
        self._checkpoint, self._settings, self._history = checkpoint, settings, history

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Keras does not save the state of its random numbers, so each epoch sets its own.
        for state in self.model.variables:
            if state.name == "seed_generator_state":
                state.assign([state.numpy()[0], epoch << 20])
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = round(time.perf_counter() - self._started, 1)
        figures = {name: float(value) for name, value in (logs or {}).items()}
        self._history.append({"epoch": epoch + 1, **figures, "seconds": seconds})
        self._checkpoint.save(self.model, self._settings, self._history)
