"""Scores of the predictions: each model beside the baselines, under both protocols."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fruits_kedro.classification.metrics import (
    by_class,
    confused_pairs,
    intervals,
    of_model,
    score,
)
from fruits_kedro.classification.protocols import (
    IN_DISTRIBUTION,
    LEAVE_ONE_VARIETY_OUT,
    PROTOCOLS,
    reason_of,
)
from fruits_kedro.config.classification import ClassificationParams

NOT_MEASURED = "it takes two fruits in Training that have two varieties each"


def score_models(
    test_predictions: pd.DataFrame,
    unseen_predictions: pd.DataFrame,
    info: dict[str, Any],
    params: ClassificationParams,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The scores of every model under both protocols.

    Returns:
        For JSON: ``reason`` (for two protocols), ``best`` and ``protocols`` (each ``target, images,
        classes, not_in_training, models``). And a table: ``protocol, model, inputs, metric,
        value``, ``low, high`` (95 % interval), ``seconds`` (to fit).
    """
    tables = {IN_DISTRIBUTION: test_predictions, LEAVE_ONE_VARIETY_OUT: unseen_predictions}
    rows: list[dict[str, Any]] = []
    protocols: dict[str, Any] = {}
    for protocol, every in tables.items():
        if every.empty:
            protocols[protocol] = {"not_measured": NOT_MEASURED}
            continue
        protocols[protocol] = about = _about(every, protocol, info)
        drawn = None if protocol == IN_DISTRIBUTION else "variety"
        for (model, inputs), found in every.groupby(["model", "inputs"], sort=False):
            name = f"{model}.{inputs}"
            about["models"][name] = figures = _figures(found, model, params, drawn)
            named = {"protocol": protocol, "model": model, "inputs": inputs}
            seconds = {
                "seconds": info["seconds"].get(name) if protocol == IN_DISTRIBUTION else None
            }
            rows += [named | {"metric": m} | one | seconds for m, one in figures.items()]
    reason = reason_of(test_predictions["path"].unique().tolist())
    return {"reason": reason, "best": info["best"], "protocols": protocols}, pd.DataFrame(rows)


def _figures(
    found: pd.DataFrame, model: str, params: ClassificationParams, drawn: str | None
) -> dict[str, dict[str, float | None]]:
    limits: dict[str, Any] = intervals(found, params.bootstrap, params.seed, drawn)
    # nearest_centroid has distances, not probabilities.
    return {
        metric: {"value": value} | dict(zip(("low", "high"), limits.get(metric, (None, None))))
        for metric, value in score(found).items()
        if model != "nearest_centroid" or metric != "log_loss"
    }


def _about(table: pd.DataFrame, protocol: str, info: dict[str, Any]) -> dict[str, Any]:
    one = table.drop_duplicates("path")
    labels = set(one["label"])
    unknown = sorted(labels - set(info["classes"])) if protocol == IN_DISTRIBUTION else []
    return {
        "target": "label" if protocol == IN_DISTRIBUTION else "fruit",
        "images": len(one),
        "classes": len(labels),
        "not_in_training": unknown,
        "models": {},
    }


def describe_best(
    test_predictions: pd.DataFrame, unseen_predictions: pd.DataFrame, info: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where the best model fails.

    Returns:
        Per protocol and class: ``protocol, label, precision, recall, f1, support``. Per pair of
        confused labels, under ``folder``: ``label, predicted, images, share, path``.
    """
    tables = (of_model(table, info["best"]) for table in (test_predictions, unseen_predictions))
    best = dict(zip(PROTOCOLS, tables))
    scores = {protocol: by_class(table) for protocol, table in best.items() if not table.empty}
    by_protocol = pd.concat(scores, names=["protocol"]).reset_index("protocol")
    return by_protocol.reset_index(drop=True), confused_pairs(best[IN_DISTRIBUTION])
