"""The model that is trained: augmentation, MobileNetV2 and one dense layer."""

from __future__ import annotations

from typing import Any

import keras

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES, MOBILENETV2
from fruits_kedro.config.parameters import Augmentation, PretrainingParams
from fruits_kedro.errors import FruitsError

_DROPOUT = 0.2
# Of batch normalisation's moving averages: Keras' 0.999 takes many thousands of steps to converge.
_MOMENTUM = 0.99


def build_classifier(
    params: PretrainingParams, init: Any, n_classes: int, steps: int
) -> keras.Model:
    """The compiled model: uint8 ``(n, size, size, 3)`` to logits ``(n, n_classes)``.

    Args:
        init: weights to start from, as for :func:`keras_models.build`.
        steps: batches per epoch.
    """
    size = params.input_size
    backbone = keras_models.build(ARCHITECTURES[MOBILENETV2], init, size)
    freeze(backbone, params.train_from, params.batch_norm)
    model = keras.Sequential(
        [
            keras.Input((size, size, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            *augment(params.augmentation, params.seed),
            keras.layers.Rescaling(2.0, -1.0),
            backbone,
            keras.layers.Dropout(_DROPOUT, seed=params.seed),
            keras.layers.Dense(n_classes),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, steps * (params.epochs - 1)),
        warmup_target=params.learning_rate,
        warmup_steps=steps,
    )
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=params.label_smoothing
    )
    model.compile(
        keras.optimizers.Adam(rate),
        loss,
        weighted_metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def freeze(backbone: keras.Model, train_from: str | None, batch_norm: bool) -> None:
    """Keep the weights of the layers before the named one, and of batch normalisation if asked to.

    Raises:
        FruitsError: there is no layer of that name.
    """
    names = [layer.name for layer in backbone.layers]
    first = next((i for i, name in enumerate(names) if name.startswith(train_from or "")), None)
    if first is None:
        raise FruitsError(
            f"pretraining.train_from: {backbone.name} has no layer {train_from}.\nIts layers are "
            f"{', '.join(names[:4])}, … {', '.join(names[-4:])}."
        )
    for i, layer in enumerate(backbone.layers):
        layer.trainable = i >= first
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
            layer.trainable = i >= first and batch_norm


def augment(augmentation: Augmentation, seed: int) -> list[keras.Layer]:
    """Layers that vary images (values in 0..1) while training, and otherwise do nothing."""
    layers = keras.layers
    chosen: list[keras.Layer] = []
    if augmentation.flip:
        chosen.append(layers.RandomFlip(seed=seed))
    if augmentation.rotation:
        turn = augmentation.rotation / 360
        chosen.append(layers.RandomRotation(turn, fill_mode="nearest", seed=seed + 1))
    if augmentation.scale:
        chosen.append(layers.RandomZoom(augmentation.scale, fill_mode="nearest", seed=seed + 2))
    if crop := augmentation.crop:
        chosen.append(layers.RandomZoom((-crop, 0.0), fill_mode="nearest", seed=seed + 5))
    if shift := augmentation.shift:
        chosen.append(layers.RandomTranslation(shift, shift, fill_mode="nearest", seed=seed + 4))
    if augmentation.colour:
        share = augmentation.colour
        # Keras' saturation f multiplies by f / (1 - f): 0.5 changes nothing.
        saturation = (0.5 - share / 4, 0.5 + share / 4)
        chosen.append(
            layers.RandomColorJitter(
                (0, 1), share, share, saturation, hue_factor=share / 4, seed=seed + 3
            )
        )
    return chosen
