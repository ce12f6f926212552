"""Trains a backbone on labelled photos."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pyspark.sql import DataFrame

from fruits_kedro.backbones.architectures import MOBILENETV2
from fruits_kedro.backbones.fingerprints import fingerprint
from fruits_kedro.backbones.weights import find_weights
from fruits_kedro.backbones.weights_file import WeightsFile
from fruits_kedro.config.parameters import PretrainingParams
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.source import ImageSource
from fruits_kedro.pretraining import Checkpoint
from fruits_kedro.reports.plots import right_share_axis
from fruits_kedro.spark.contracts import in_subset


def pretrain(
    image_index: DataFrame,
    raw_images: ImageSource,
    params: PretrainingParams,
    checkpoint: Checkpoint,
) -> tuple[WeightsFile, pd.DataFrame, dict[str, Any]]:
    """MobileNetV2 trained on the Training photos; resumes from the checkpoint if there is one.

    Returns:
        The weights; the history, one row per epoch; and their fingerprint, settings and outcome.
    """
    from fruits_kedro.backbones import keras_models

    # TensorFlow gives each step's memory back to the system, which takes a third of the time.
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
    keras_models.load_keras()
    from fruits_kedro.pretraining.train import train

    index = in_subset(image_index).select("path", "split", "label").toPandas()
    init = None if params.init == "random" else find_weights(params.init).path
    read_all = functools.partial(raw_images.read_all, seconds=ImageLimits().seconds)
    trained = train(index, read_all, params, init, checkpoint)
    weights = {weight.path: np.asarray(weight) for weight in trained.backbone.weights}
    file = WeightsFile.of(weights, trained.settings, params.weights_dtype)
    sha256 = hashlib.sha256(file.to_bytes()).hexdigest()
    info = {
        "fingerprint": fingerprint(MOBILENETV2, params.input_size, "f32", sha256),
        "weights_sha256": sha256,
        **trained.settings,
        **trained.outcome,
    }
    return file, trained.history, info


def plot_learning_curve(learning_history: pd.DataFrame) -> go.Figure:
    """Loss and accuracy of each epoch, on training and validation photos."""
    figure = go.Figure()
    for column, name, axis, dash in [
        ("loss", "loss", "y", "solid"),
        ("val_loss", "loss, validation", "y", "dot"),
        ("accuracy", "accuracy", "y2", "solid"),
        ("val_accuracy", "accuracy, validation", "y2", "dot"),
    ]:
        if column in learning_history:
            figure.add_scatter(
                x=learning_history["epoch"],
                y=learning_history[column],
                name=name,
                yaxis=axis,
                line={"dash": dash, "color": "#d62728" if axis == "y" else "#1f77b4"},
            )
    return figure.update_layout(
        title=f"Training, {len(learning_history)} epochs",
        template="plotly_white",
        xaxis={"title": "epoch"},
        yaxis={"title": "loss", "rangemode": "tozero"},
        yaxis2=right_share_axis("accuracy"),
        legend={"x": 0.65, "y": 0.5},
    )
