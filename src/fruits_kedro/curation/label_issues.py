"""Photos whose label may be wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.linalg.moments import Moments

METHOD = "mean of the neighbours' vote and a ridge classifier's leave-one-out prediction"
_SCORES = ["label_score", "predicted_score", "neighbours_vote", "out_of_fold"]
COLUMNS = ("path", "split", "label", "predicted", *_SCORES)
_RIDGE = 0.01  # of the mean variance of a feature
_BATCH = 2048  # photos, of which the score of each label is in memory


def find_label_issues(vectors: Vectors, neighbours: NDArray[np.int64]) -> pd.DataFrame:
    """Photos that others and a classifier give another label, the least likely label first.

    A label's score for a photo is the mean of two figures from 0 to 1. The neighbours' vote is its
    share of the labels of the neighbours. The leave-one-out prediction is the label's value in a
    ridge regression on all other photos, cut off at 0 and 1. Labels with a single photo are
    skipped. The order is by "self-confidence" (Northcutt, Jiang & Chuang, 2021, "Confident
    learning: estimating uncertainty in dataset labels").

    Args:
        neighbours: ``(photos, k)``: rows.

    Returns:
        ``path, split, label, predicted`` (the label with the highest score), ``label_score,
        predicted_score``, and the two parts of the former: ``neighbours_vote, out_of_fold``.
    """
    photos = vectors.photos
    codes, labels = pd.factorize(photos["label"], sort=True)
    if len(labels) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    ridge = _Ridge(vectors, codes, len(labels))
    found = np.empty((len(photos), len(_SCORES)))
    predicted = np.empty(len(photos), np.int64)
    for batch in vectors.slices(_BATCH):
        own = codes[batch]
        out_of_fold = ridge.leave_one_out(vectors.rows(batch), own)
        vote = _vote(codes[neighbours[batch]], len(labels))
        scores = (out_of_fold + vote) / 2
        rows = np.arange(len(own))
        predicted[batch] = scores.argmax(axis=1)
        parts = (scores[rows, own], scores.max(axis=1), vote[rows, own], out_of_fold[rows, own])
        found[batch] = np.stack(parts, axis=1)
    several = np.bincount(codes[codes >= 0], minlength=len(labels))[codes] > 1
    wrong = (codes >= 0) & several & (predicted != codes)
    table = photos.loc[wrong, ["path", "split", "label"]].assign(predicted=labels[predicted[wrong]])
    table[_SCORES] = found[wrong]
    order = ["label_score", "predicted_score", "path"]
    return table.sort_values(order, ascending=[True, False, True], ignore_index=True)


def _vote(codes: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """``(photos, labels)``: the share of each label among the labelled neighbours."""
    counts = np.zeros((len(codes), labels))
    rows, columns = np.nonzero(codes >= 0)
    np.add.at(counts, (rows, codes[rows, columns]), 1)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


class _Ridge:
    """A ridge regression of labels (0 or 1) on vectors, with an intercept.

    What it predicts for one of its own rows without that row follows from the row's leverage
    (Rifkin & Lippert, 2007, "Notes on regularized least squares"): no other fit is needed.
    """

    def __init__(self, vectors: Vectors, codes: NDArray[np.int64], labels: int) -> None:
        moments = Moments.none(vectors.matrix.shape[1])
        sums = np.zeros((labels, vectors.matrix.shape[1]))
        for batch in vectors.slices():
            labelled = codes[batch] >= 0
            if labelled.any():
                rows = vectors.rows(batch)[labelled]
                moments.add_rows(rows)
                np.add.at(sums, codes[batch][labelled], rows)
        counts = np.bincount(codes[codes >= 0], minlength=labels)
        self._mean, self._shares, self._count = moments.mean, counts / counts.sum(), counts.sum()
        variance = np.trace(moments.scatter) / len(self._mean)
        penalty = _RIDGE * max(variance, float(np.finfo(np.float32).eps))  # all may be alike
        self._inverse = np.linalg.inv(moments.scatter + penalty * np.eye(len(self._mean)))
        self._weights = self._inverse @ (sums - counts[:, None] * self._mean).T

    def leave_one_out(
        self, rows: NDArray[np.float32], codes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """``(rows, labels)``: predicted by all others, from 0 to 1; of unlabelled rows, by all."""
        centred = rows - self._mean
        predicted = centred @ self._weights + self._shares
        leverages = np.einsum("ij,ij->i", centred @ self._inverse, centred) + 1 / self._count
        known = np.flatnonzero((codes >= 0) & (leverages < 1 - 1e-9))
        predicted[known, codes[known]] -= leverages[known]
        predicted[known] /= 1 - leverages[known, None]
        return np.clip(predicted, 0, 1)
