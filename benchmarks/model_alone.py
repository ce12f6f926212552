"""The speed of a backbone's model alone: the inference ceiling of a machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from fruits_kedro.backbones import Backbone, FeatureModel
from fruits_kedro.features.extract import get_model

_BATCH = 32


def model_alone(
    backbone: Backbone,
    cores: int,
    seconds: float,
    load: Callable[[Backbone], FeatureModel] = get_model,
) -> float:
    """Images per second of all cores together, a process a core, on pixels in memory.

    Args:
        backbone: whose model is timed.
        cores: number of processes.
        seconds: how long each process runs its model.
        load: makes the model that a process runs; a function of a module.
    """
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        return sum(pool.map(partial(_time, seconds=seconds, load=load), [backbone] * cores))


def _time(backbone: Backbone, seconds: float, load: Callable[[Backbone], FeatureModel]) -> float:
    model, size = load(backbone), backbone.input_size
    pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    pixels = pixels.repeat(_BATCH, axis=0)
    model(pixels)
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds or not done:
        model(pixels)
        done += len(pixels)
    return done / elapsed
