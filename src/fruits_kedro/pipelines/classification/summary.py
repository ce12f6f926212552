"""What the report shows of a classification."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fruits_kedro.classification.metrics import confusion, of_model
from fruits_kedro.classification.protocols import IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT, TURNED
from fruits_kedro.pipelines.classification.plots import order_by_similarity

_MOST_LABELS = 40  # of a confusion matrix that can be read
_MOST_PAIRS, _MOST_MISTAKES = 500, 5000


def summarize_classification(
    metrics: dict[str, Any],
    class_scores: pd.DataFrame,
    confused_pairs: pd.DataFrame,
    test_predictions: pd.DataFrame,
    info: dict[str, Any],
) -> dict[str, Any]:
    """What the report shows of a classification.

    Returns:
        ``turned`` (whether Test shows the fruits of Training), ``fruits`` (how many there are),
        ``best, protocols`` of the metrics; ``f1`` on Test by label; ``confusion`` of the
        most confused labels; ``pairs`` of confused labels, each with a photo (``path``) and a
        ``typical`` one of the predicted label; ``mistakes``: by path, the predicted label.
    """
    found = of_model(test_predictions, info["best"])
    wrong = found[found["label"] != found["predicted"]]
    right = found[found["label"] == found["predicted"]]
    typical = right.sort_values(["probability", "path"], ascending=[False, True])
    typical_of = typical.groupby("label")["path"].first()
    pairs = confused_pairs.head(_MOST_PAIRS)
    pairs = pairs.assign(typical=pairs["predicted"].map(typical_of).astype(object))
    pairs = pairs.where(pairs.notna(), None)
    scores = class_scores[class_scores["protocol"] == IN_DISTRIBUTION]
    return {
        "turned": metrics["reason"] == TURNED,
        "fruits": metrics["protocols"][LEAVE_ONE_VARIETY_OUT].get("classes"),
        **{name: metrics[name] for name in ("best", "protocols")},
        "settings": info["settings"],
        "f1": {str(row.label): float(row.f1) for row in scores.itertuples()},
        "confusion": _confusion(found),
        "pairs": pairs.to_dict("records"),
        "mistakes": dict(zip(wrong["path"][:_MOST_MISTAKES], wrong["predicted"][:_MOST_MISTAKES])),
    }


def _confusion(found: pd.DataFrame) -> dict[str, Any]:
    """The confusion matrix of the labels that are confused most, confused ones side by side.

    Returns:
        ``labels, counts`` (photos, by label and predicted label), ``support`` (Test photos of
        each), ``clean`` (how many labels are never confused), ``left_out`` (how many are).
    """
    counts = confusion(found)
    mistakes = counts.sum(axis=1) + counts.sum(axis=0)
    for label in counts.index:
        mistakes[label] -= 2 * counts.loc[label, label]
    confused = mistakes[mistakes > 0].sort_values(ascending=False, kind="stable").index
    most = counts.loc[sorted(confused[:_MOST_LABELS]), sorted(confused[:_MOST_LABELS])]
    labels = order_by_similarity(most)
    return {
        "labels": labels,
        "counts": counts.loc[labels, labels].astype(int).to_numpy().tolist(),
        "support": counts.loc[labels].sum(axis=1).astype(int).tolist(),
        "clean": len(counts) - len(confused),
        "left_out": len(confused) - len(labels),
    }
