"""Fits classifiers and chooses among them by cross-validation."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from fruits_kedro.classification.classifiers import (
    TOP,
    TooFewLabelsError,
    fit_classifier,
    predict,
)
from fruits_kedro.classification.metrics import score
from fruits_kedro.classification.samples import persisted
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


def _grid(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    choices = [v if isinstance(v, list) else [v] for v in settings.values()]
    for values in itertools.product(*choices):
        yield dict(zip(settings, values))


def fit(candidate: Candidate, train: DataFrame, params: ClassificationParams) -> PipelineModel:
    """A pipeline fitted on ``label`` and ``vector``."""
    return fit_classifier(
        candidate.model, candidate.settings, train, params.class_weights, params.seed
    )


def collect(model: PipelineModel, rows: DataFrame) -> pd.DataFrame:
    """Predictions for labelled rows, on the driver.

    Returns:
        ``path, split, label, predicted, probability, label_probability, in_top_3, top_3``, and
        ``variety`` if the rows have it.
    """
    found = predict(model, rows).withColumn("in_top_3", F.array_contains("top_3", F.col("label")))
    columns = ["path", "split", "label", "predicted", "probability", "label_probability"]
    more = [f"in_top_{TOP}", "top_3", *({"variety"} & set(rows.columns))]
    table: pd.DataFrame = found.select(*columns, *more).toPandas()
    return table.sort_values("path", ignore_index=True)


def cross_validate(
    candidate: Candidate, rows: DataFrame, params: ClassificationParams
) -> pd.DataFrame:
    """Out-of-fold predictions for Training rows (``path, split, label, vector, fold``).

    The columns are those of :func:`collect`. A fold is skipped if the others have fewer than two
    labels.
    """
    found = []
    for i in range(params.folds):
        with suppress(TooFewLabelsError):  # the other folds have one label
            model = fit(candidate, rows.where(F.col("fold") != i), params)
            found.append(collect(model, rows.where(F.col("fold") == i)))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def with_folds(samples: DataFrame, params: ClassificationParams) -> DataFrame:
    """Add ``fold``, stratified by label: photos take turns, in an order drawn by the seed."""
    drawn = Window.partitionBy("label").orderBy(F.xxhash64("path", F.lit(params.seed)), "path")
    turn = F.row_number().over(drawn) + F.abs(F.hash("label"))
    return samples.withColumn("fold", F.pmod(turn, F.lit(params.folds)))


def choose(
    choices: list[Candidate],
    rows_of: Callable[[str], DataFrame],
    params: ClassificationParams,
) -> tuple[list[Candidate], pd.DataFrame, pd.DataFrame]:
    """The best settings of each model and input, by cross-validation on Training photos.

    Args:
        choices: candidates, grouped by input.
        rows_of: the rows of an input.

    Returns:
        For each model and input the candidate with the best macro-F1, the best of all first; a
        table of all that was tried: ``model, inputs, settings, f1_macro, seconds``; and the
        out-of-fold predictions of the best, as :func:`cross_validate`.
    """
    tried = []
    for inputs, of_inputs in itertools.groupby(choices, key=lambda c: c.inputs):
        rows = rows_of(inputs)
        cores = rows.sparkSession.sparkContext.defaultParallelism
        with persisted(rows.coalesce(cores)) as kept:
            for candidate in of_inputs:
                started = time.perf_counter()
                predictions = cross_validate(candidate, kept, params)
                figure = 0.0 if predictions.empty else score(predictions)[CRITERION]
                tried.append((figure, time.perf_counter() - started, candidate, predictions))
                logger.info("%s %s: macro-F1 %.3f", candidate.name, candidate.settings, figure)
    tried.sort(key=lambda one: -one[0])
    best: dict[str, Candidate] = {}
    for _, _, candidate, _ in tried:
        best.setdefault(candidate.name, candidate)
    table = pd.DataFrame(
        [
            {"model": c.model, "inputs": c.inputs, "settings": str(c.settings)}
            | {CRITERION: figure, "seconds": round(seconds, 3)}
            for figure, seconds, c, _ in tried
        ]
    )
    return list(best.values()), table, tried[0][-1]


def find_label_issues(out_of_fold: pd.DataFrame) -> pd.DataFrame:
    """Training photos whose label may be wrong, the likeliest first.

    A label issue is an out-of-fold prediction that disagrees with the label. Labels with a single
    photo are skipped. The order is by the probability of the given label: the "self-confidence" of
    Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset
    labels".

    Returns:
        ``path, label, predicted, probability, label_probability``.
    """
    columns = ["path", "label", "predicted", "probability", "label_probability"]
    if out_of_fold.empty:
        return pd.DataFrame(columns=columns)
    others = out_of_fold.groupby("label")["path"].transform("size") > 1
    wrong = out_of_fold[others & (out_of_fold["label"] != out_of_fold["predicted"])]
    order = ["label_probability", "probability", "path"]
    return wrong.sort_values(order, ascending=[True, False, True], ignore_index=True)[columns]
