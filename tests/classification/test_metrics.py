"""Figures beside scikit-learn's on the same predictions, intervals beside a plain bootstrap."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from fruits_kedro.classification.metrics import (
    by_class,
    confused_pairs,
    confusion,
    intervals,
    of_matrix,
    score,
)


def predictions(n=300, classes=12, seed=0):
    """Of a poor classifier; one label is never predicted, one is predicted that no photo has."""
    rng = np.random.default_rng(seed)
    names = [f"fruit {i:02d}" for i in range(classes)]
    truth = rng.integers(0, classes - 1, n)
    scores = rng.normal(size=(n, classes)) + 2 * np.eye(classes)[truth]
    scores[:, 3] = -20
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    guessed = p.argmax(axis=1)
    top = np.argsort(-p, axis=1)[:, :3]
    table = pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(n)],
            "label": [names[i] for i in truth],
            "predicted": [names[i] for i in guessed],
            "probability": p.max(axis=1),
            "label_probability": p[np.arange(n), truth],
            "in_top_3": (top == truth[:, None]).any(axis=1),
        }
    )
    return table, truth, guessed, p


def test_scores_equal_scikit_learn_s():
    table, truth, guessed, p = predictions()
    found = score(table)
    seen = list(range(p.shape[1]))
    expected = {
        "accuracy": reference.accuracy_score(truth, guessed),
        "balanced_accuracy": np.mean([(guessed[truth == c] == c).mean() for c in set(truth)]),
        "top_3": reference.top_k_accuracy_score(truth, p, k=3, labels=seen),
        "log_loss": reference.log_loss(truth, p, labels=seen),
    }
    for name in ("precision", "recall", "f1"):
        measure = getattr(reference, f"{name}_score")
        for average in ("macro", "weighted"):
            value = measure(truth, guessed, average=average, zero_division=0)
            expected[f"{name}_{average}"] = value
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_matrix_tells_the_same():
    table, *_ = predictions()
    from_matrix = of_matrix(confusion(table).to_numpy(float))
    assert from_matrix == pytest.approx({k: v for k, v in score(table).items() if k in from_matrix})


def test_a_photo_that_the_model_gives_no_chance_costs_what_scikit_learn_says():
    table = pd.DataFrame(
        {"label": ["a", "b"], "predicted": ["a", "a"], "label_probability": [1.0, 0.0]}
    ).assign(in_top_3=True)
    expected = reference.log_loss(["a", "b"], [[1.0, 0.0], [1.0, 0.0]])
    assert score(table)["log_loss"] == pytest.approx(expected, abs=1e-9)


def test_intervals_are_those_of_a_plain_bootstrap():
    table, *_ = predictions()
    found = intervals(table, resamples=2000, seed=0)
    rng = np.random.default_rng(1)
    resampled = [score(table.iloc[rng.integers(0, len(table), len(table))]) for _ in range(150)]
    plain = pd.DataFrame(resampled).quantile([0.025, 0.975])
    for name in ("accuracy", "f1_macro", "balanced_accuracy", "top_3", "log_loss"):
        assert found[name] == pytest.approx(tuple(plain[name]), abs=0.03, rel=0.05), name
        assert found[name][0] < score(table)[name] < found[name][1]


def test_no_interval_leaves_what_a_metric_can_be():
    table = pd.DataFrame({"label": "a", "predicted": ["a"] * 19 + ["b"], "in_top_3": True})
    table = table.assign(label_probability=[1.0] * 19 + [1e-9], variety=range(20))
    for groups in (None, "variety"):
        found = intervals(table, 200, 0, groups)
        assert found["log_loss"][0] >= 0 and found["log_loss"][1] > 1
        assert all(0 <= low <= high <= 1 for m, (low, high) in found.items() if m != "log_loss")


def test_photos_of_one_group_are_drawn_together():
    """Four groups, all right or all wrong: the share of right ones is 0, ¼, ½, ¾ or 1."""
    table = pd.DataFrame({"label": "a", "predicted": ["a", "a", "b", "b"]}).loc[[0, 1, 2, 3] * 25]
    table = table.assign(in_top_3=True, label_probability=0.5, variety=[0, 1, 2, 3] * 25)
    low, high = intervals(table, 4000, 0, "variety")["accuracy"]
    assert (low, high) == (0.0, 1.0)  # of binomial(4, ½), 6 % each
    low, high = intervals(table, 4000, 0)["accuracy"]
    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.02)
    assert intervals(table, 0, 0) == {}


def test_the_worst_class_comes_first():
    table, truth, guessed, _ = predictions()
    found = by_class(table).set_index("label")
    assert list(found["f1"]) == sorted(found["f1"])
    assert found["support"].sum() == len(table) and found.loc["fruit 11", "support"] == 0
    one = found.loc["fruit 05"]
    assert one["precision"] == reference.precision_score(truth == 5, guessed == 5)
    assert one["recall"] == reference.recall_score(truth == 5, guessed == 5)


def test_confused_pairs_are_counted_and_shown_by_the_surest_mistake():
    table = pd.DataFrame(
        [
            ("1.jpg", "a", "b", 0.6),
            ("2.jpg", "a", "b", 0.9),
            ("3.jpg", "a", "a", 0.9),
            ("4.jpg", "b", "a", 0.5),
        ],
        columns=["path", "label", "predicted", "probability"],
    )
    assert confused_pairs(table).to_dict("records") == [
        {"label": "a", "predicted": "b", "images": 2, "share": 2 / 3, "path": "2.jpg"},
        {"label": "b", "predicted": "a", "images": 1, "share": 1.0, "path": "4.jpg"},
    ]
