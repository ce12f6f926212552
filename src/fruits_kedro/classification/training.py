"""Fits classifiers and chooses among them by cross-validation."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fruits_kedro.classification.checks import TooFewLabelsError
from fruits_kedro.classification.driver_fits import fits_on_driver
from fruits_kedro.classification.metrics import score
from fruits_kedro.classification.spark_samples import Samples
from fruits_kedro.config.classification import ClassificationParams

logger = logging.getLogger(__name__)

CRITERION = "f1_macro"


@dataclass(frozen=True)
class Candidate:
    """A classifier to fit on ``features`` or ``pca_features``, with settings."""

    inputs: str
    model: str
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """Such as ``logistic_regression.pca_features``."""
        return f"{self.model}.{self.inputs}"


def candidates(params: ClassificationParams) -> list[Candidate]:
    """Every model on every input, with every combination of its settings."""
    return [
        Candidate(inputs, model, settings)
        for inputs in params.inputs
        for model in params.models
        for settings in _grid(params.settings_of(model))
    ]


def is_for_driver(params: ClassificationParams, photos: int) -> bool:
    """Whether the driver fits all candidates: the photos are few, no setting is Spark ML's own."""
    portable = (fits_on_driver(one.model, one.settings) for one in candidates(params))
    return photos <= params.driver_images and all(portable)


def _grid(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    choices = [v if isinstance(v, list) else [v] for v in settings.values()]
    for values in itertools.product(*choices):
        yield dict(zip(settings, values))


def cross_validate(
    choices: Sequence[Candidate], samples: Mapping[str, Samples], params: ClassificationParams
) -> list[tuple[pd.DataFrame, float]]:
    """Out-of-fold predictions of each candidate, and the seconds that they took.

    Args:
        samples: vectors of each input, with folds.

    Returns:
        Tables as of :meth:`DriverSamples.predict`. A fold is skipped if the others have fewer than
        two labels.
    """
    folds = {name: [one.fold(i) for i in range(params.folds)] for name, one in samples.items()}

    def try_fold(job: tuple[Candidate, int]) -> tuple[pd.DataFrame, float]:
        candidate, i = job
        training, tried = folds[candidate.inputs][i]
        started = time.perf_counter()
        try:
            table = tried.predict(training.fit(candidate.model, candidate.settings))
        except TooFewLabelsError:
            table = pd.DataFrame()
        return table, time.perf_counter() - started

    jobs = list(itertools.product(choices, range(params.folds)))
    found = next(iter(samples.values())).map("Choosing classifiers", try_fold, jobs)
    by_candidate = [found[i : i + params.folds] for i in range(0, len(found), params.folds)]
    return [
        (pd.concat([table for table, _ in one], ignore_index=True), sum(s for _, s in one))
        for one in by_candidate
    ]


def choose(
    choices: Sequence[Candidate], samples: Mapping[str, Samples], params: ClassificationParams
) -> tuple[list[Candidate], pd.DataFrame]:
    """The best settings of each model and input, by cross-validation on Training photos.

    Args:
        samples: vectors of each input, with folds.

    Returns:
        For each model and input the candidate with the best macro-F1, the best of all first; and a
        table of all that was tried: ``model, inputs, settings, f1_macro, seconds``.
    """
    tried = []
    found = cross_validate(choices, samples, params)
    for candidate, (predictions, seconds) in zip(choices, found, strict=True):
        figure = 0.0 if predictions.empty else score(predictions)[CRITERION]
        tried.append((figure, seconds, candidate))
        logger.info("%s %s: macro-F1 %.3f", candidate.name, candidate.settings, figure)
    tried.sort(key=lambda one: -one[0])
    best: dict[str, Candidate] = {}
    for _, _, candidate in tried:
        best.setdefault(candidate.name, candidate)
    table = pd.DataFrame(
        [
            {"model": c.model, "inputs": c.inputs, "settings": str(c.settings)}
            | {CRITERION: figure, "seconds": round(seconds, 3)}
            for figure, seconds, c in tried
        ]
    )
    return list(best.values()), table
