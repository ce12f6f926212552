"""Outliers are measured against their own label."""

import numpy as np
import pandas as pd
import pytest

from fruits_kedro.curation.outliers import find_outliers


def photos(**counts):
    labels = [label for label, n in counts.items() for _ in range(n)]
    paths = [f"Training/{label}/{i}.jpg" for i, label in enumerate(labels)]
    labels = [None if label == "none" else label for label in labels]
    return pd.DataFrame({"path": paths, "split": "Training", "label": labels})


def test_a_distance_is_usual_in_one_label_and_not_in_another():
    """Distances of ``tight`` are about 0.1, those of ``loose`` about 0.5."""
    rng = np.random.default_rng(0)
    distances = np.concatenate([rng.normal(0.1, 0.01, 50), rng.normal(0.5, 0.05, 50)])
    distances[7], distances[60] = 0.5, 0.55
    cosines = np.float32(1 - distances)[:, None].repeat(3, axis=1)
    found = find_outliers(photos(tight=50, loose=50), cosines, 5)
    assert list(found["path"]) == ["Training/tight/7.jpg"]
    row, tight = found.iloc[0], distances[:50]
    median = np.median(tight)
    spread = 1.4826 * np.median(np.abs(tight - median))
    assert row["distance"] == pytest.approx(0.5, abs=1e-6)
    assert row["usual"] == pytest.approx(median, abs=1e-6)
    assert row["deviations"] == pytest.approx((0.5 - median) / spread, rel=1e-4)


def test_few_photos_and_those_without_a_label_are_compared_with_all():
    distances = np.concatenate([np.linspace(0.1, 0.2, 40), [0.15, 0.9], [0.16, 0.8]])
    cosines = np.float32(1 - distances)[:, None]
    found = find_outliers(photos(many=40, few=2, none=2), cosines, 5)
    assert list(found["path"]) == ["Training/few/41.jpg", "Training/none/43.jpg"]
    assert found["usual"].nunique() == 1


def test_photos_that_are_all_alike_are_none():
    assert find_outliers(photos(a=10), np.ones((10, 3), np.float32), 5).empty
    assert find_outliers(photos(a=1), np.empty((1, 0), np.float32), 5).empty
