"""Photos to answers, by a loaded store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fruits_kedro.errors import ImageError
from fruits_kedro.features.extract import extract
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.serving.store import Store

_TOP = 3
Answer = dict[str, Any]


def predict(
    store: Store, contents: Sequence[bytes], limits: ImageLimits, neighbours: Sequence[int]
) -> list[Answer]:
    """The label of each photo, as ``kedro predict`` gives it, and the photos it looks like.

    Args:
        contents: the files' bytes.
        neighbours: how many of the most similar photos to name, for each photo.

    Returns:
        Of each photo ``label, probability, top`` (labels with probabilities), ``distance`` (to the
        nearest class), ``out_of_distribution, threshold, nearest``; or ``error``: its ``stage,
        reason, detail``.
    """
    outcomes = extract(contents, store.model, store.backbone, limits)
    usable = [(one, k) for one, k in zip(outcomes, neighbours) if not isinstance(one, ImageError)]
    answers: Iterator[Answer] = iter(())
    if usable:
        features = np.stack([one for one, _ in usable])
        near = store.photos.nearest(features, [k for _, k in usable])
        answers = (one | {"nearest": n} for one, n in zip(_classify(store, features), near))
    return [
        {"error": describe_error(one)} if isinstance(one, ImageError) else next(answers)
        for one in outcomes
    ]


def describe_error(error: ImageError) -> dict[str, str]:
    """The stage, the reason and the detail, as a run has them."""
    return {"stage": error.stage, "reason": error.reason, "detail": error.detail}


def _classify(store: Store, features: np.ndarray) -> list[Answer]:
    vectors = store.vectors(features)
    probabilities = store.classifier.probabilities(vectors)
    distances = store.nearest.distances(vectors)
    answers = []
    for row, distance in zip(probabilities, distances):
        best = np.argsort(-row, kind="stable")[:_TOP]
        top = [{"label": store.classes[i], "probability": float(row[i])} for i in best]
        answers.append(
            {
                **top[0],
                "top": top,
                "out_of_distribution": bool(distance > store.threshold),
                "distance": float(distance),
                "threshold": store.threshold,
            }
        )
    return answers
