"""scikit-learn's metrics of predictions, with 95 % intervals.

scikit-learn is imported inside the functions, because every ``kedro`` command imports the
pipelines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_TAILS = [0.025, 0.975]
_NORMAL = 1.959964  # standard deviations that hold 95 %
_SMALLEST = np.finfo(np.float64).eps  # as scikit-learn's log_loss clips


def score(predictions: pd.DataFrame) -> dict[str, float]:
    """The metrics of a table of predictions, as scikit-learn computes them.

    Args:
        predictions: ``label, predicted, label_probability, in_top_3``, one row per photo.

    Returns:
        ``accuracy, balanced_accuracy, top_3``; ``precision, recall, f1``, each ``_macro`` and
        ``_weighted``; ``log_loss``, in nats. A class that is never predicted has precision 0.
    """
    found = of_matrix(confusion(predictions).to_numpy(float))
    found |= {"top_3": predictions["in_top_3"].mean(), "log_loss": _losses(predictions).mean()}
    return {name: float(value) for name, value in found.items()}


def _losses(predictions: pd.DataFrame) -> NDArray[np.float64]:
    p = predictions["label_probability"].to_numpy(np.float64)
    return -np.log(np.clip(p, _SMALLEST, 1 - _SMALLEST))


def intervals(
    predictions: pd.DataFrame, resamples: int, seed: int, groups: str | None = None
) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric, by percentile bootstrap (Efron, 1979).

    A resample is drawn as counts of kinds: photos that agree in label, prediction and ``in_top_3``
    are alike for all metrics but the log loss. Without groups the log loss has a normal interval
    instead.

    Args:
        predictions: as for :func:`score`.
        resamples: how many; 0 gives no intervals.
        groups: a column whose values are drawn, each with all of its photos (photos of one variety
            are right or wrong together). None draws single photos.
    """
    if not resamples or predictions.empty:
        return {}
    kind = predictions.groupby(["label", "predicted", "in_top_3"]).ngroup().to_numpy()
    _, first = np.unique(kind, return_index=True)
    kinds = predictions.iloc[first]
    losses = _losses(predictions)
    rng, n = np.random.default_rng(seed), len(predictions)
    if groups is None:
        counts = rng.multinomial(n, np.bincount(kind) / n, resamples).astype(float)
        margin = _NORMAL * losses.std(ddof=min(1, n - 1)) / np.sqrt(n)
        loss = (max(losses.mean() - margin, 0.0), losses.mean() + margin)
    else:
        owner = predictions.groupby(groups).ngroup().to_numpy()
        photos = np.zeros((owner.max() + 1, len(kinds)))  # of each group, of each kind
        np.add.at(photos, (owner, kind), 1)
        drawn = rng.multinomial(len(photos), np.full(len(photos), 1 / len(photos)), resamples)
        counts = drawn @ photos
        means = drawn @ np.bincount(owner, losses) / counts.sum(axis=1)
        loss = (float(np.quantile(means, _TAILS[0])), float(np.quantile(means, _TAILS[1])))
    table = pd.DataFrame(_figures_of(kinds, counts)).quantile(_TAILS)
    result = {name: (float(v.iloc[0]), float(v.iloc[1])) for name, v in table.items()}
    return result | {"log_loss": (float(loss[0]), float(loss[1]))}


def _figures_of(kinds: pd.DataFrame, counts: NDArray[np.float64]) -> list[dict[str, float]]:
    labels = sorted(set(kinds["label"]) | set(kinds["predicted"]))
    place = {label: i for i, label in enumerate(labels)}
    rows, columns = kinds["label"].map(place), kinds["predicted"].map(place)
    in_top = kinds["in_top_3"].to_numpy(bool)
    found = []
    for resample in counts:
        matrix = np.zeros((len(labels), len(labels)))
        np.add.at(matrix, (rows, columns), resample)
        found.append(of_matrix(matrix) | {"top_3": resample[in_top].sum() / resample.sum()})
    return found


def of_matrix(matrix: NDArray[np.float64]) -> dict[str, float]:
    """The metrics of :func:`score` that a confusion matrix (rows: the truth) determines."""
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    there = (support > 0) | (predicted > 0)
    hits, support, predicted = hits[there], support[there], predicted[there]
    recall, precision = _ratio(hits, support), _ratio(hits, predicted)
    f1 = _ratio(2 * hits, support + predicted)
    share = support / support.sum()
    found = {"accuracy": hits.sum() / support.sum()}
    found["balanced_accuracy"] = recall[support > 0].mean()
    for name, values in {"precision": precision, "recall": recall, "f1": f1}.items():
        found |= {f"{name}_macro": values.mean(), f"{name}_weighted": (values * share).sum()}
    return {name: float(value) for name, value in found.items()}


def _ratio(some: NDArray[np.float64], all_: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(some, all_, out=np.zeros_like(some), where=all_ > 0)


def by_class(predictions: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class, worst F1 first."""
    from sklearn.metrics import precision_recall_fscore_support

    truth, predicted = predictions["label"], predictions["predicted"]
    labels = sorted(set(truth) | set(predicted))
    figures = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), figures)))
    table.insert(0, "label", labels)
    return table.sort_values(["f1", "label"], ignore_index=True)


def of_model(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """The predictions of the model ``<model>.<inputs>``."""
    if predictions.empty:
        return predictions
    model, _, inputs = name.partition(".")
    return predictions[(predictions["model"] == model) & (predictions["inputs"] == inputs)]


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """The confusion matrix: photos by label (rows) and predicted label (columns)."""
    from sklearn.metrics import confusion_matrix

    truth, predicted = predictions["label"], predictions["predicted"]
    labels: list[Any] = sorted(set(truth) | set(predicted))
    matrix = confusion_matrix(truth, predicted, labels=labels)
    return pd.DataFrame(matrix, index=labels, columns=labels)


def confused_pairs(predictions: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a label and the one it is mistaken for, most photos first.

    Returns:
        ``label, predicted, images, share`` (of the label's photos), and ``path``: the photo with
        the most confident mistake.
    """
    wrong = predictions[predictions["label"] != predictions["predicted"]]
    surest = wrong.sort_values(["probability", "path"], ascending=[False, True])
    pairs = surest.groupby(["label", "predicted"])
    table = pairs.agg(images=("path", "size"), path=("path", "first")).reset_index()
    support = predictions["label"].value_counts()
    table["share"] = table["images"] / table["label"].map(support).to_numpy()
    order = ["images", "share", "label", "predicted"]
    table = table.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
    return table[["label", "predicted", "images", "share", "path"]]
