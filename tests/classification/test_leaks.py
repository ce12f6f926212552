"""What a classifier is trained on is nothing that it is tried on."""

import pandas as pd
import pytest

from fruits_kedro.classification.checks import check_labels, check_pca
from fruits_kedro.classification.leaks import (
    find_shared,
    guard_leakage,
    without,
    without_photos_of,
)
from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.pca import fit_pca
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments

NAMES = ["path", "split", "label"]
SCHEMA = "path string, split string, label string, features array<float>"
ROWS = [
    ("Training/a/1", "Training", "a", [1.0, 2.0]),
    ("Training/a/2", "Training", "a", [1.0, 2.5]),
    ("Training/b/1", "Training", "b", [0.0, 0.0]),
    ("Test/a/9", "Test", "a", [9.0, 9.0]),
    ("Test/b/8", "Test", "b", [1.0, 2.5]),
]
COLUMNS = ["path", "label", "other_path", "other_label", "other_split", "kind"]
OTHER = ("Training/a/2", "a", "Test/b/8", "b", "Test", "pixels")
SAME = ("Training/a/1", "a", "Test/a/7", "a", "Test", "bytes")
NEAR = ("Training/b/1", "b", "Test/b/8", "b", "Test", "near")
VALIDATION = ("Training/b/1", "b", "Validation/b/5", "b", "Validation", "bytes")


def leaks(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def test_the_guard_stops_for_one_under_the_same_label():
    with pytest.raises(FruitsError, match=r"1 Training photos .* 'Training/a/1' = 'Test/a/7'"):
        guard_leakage(leaks(OTHER, SAME), leave_out=False)
    assert list(guard_leakage(leaks(OTHER, SAME), leave_out=True)) == ["Training/a/2", SAME[0]]


def test_one_under_another_label_is_left_out_and_named(spark, caplog):
    left_out = guard_leakage(leaks(OTHER), leave_out=False)
    assert "1 Training photos" in caplog.text and "a = b" in caplog.text
    left = without(spark.createDataFrame(ROWS, SCHEMA), left_out)
    assert [r.path for r in left.collect()] == [r[0] for r in ROWS if r[0] != "Training/a/2"]


def test_near_duplicates_and_photos_of_validation_stay(caplog):
    assert guard_leakage(leaks(NEAR, VALIDATION), leave_out=False).empty
    assert "1 Training photos are nearly the same as photos of Test" in caplog.text


def test_nothing_is_left_out_where_nothing_leaks(spark, caplog):
    left_out = guard_leakage(leaks(), leave_out=False)
    rows = spark.createDataFrame(ROWS, SCHEMA)
    assert without(rows, left_out).count() == 5 and not caplog.text


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (["Training/a/1", "Training/a/2", "Test/a/9"], "two labels or more apart.*have 1"),
        (["Test/a/9"], "two labels or more apart.*have 0"),
        (["Training/a/1", "Training/b/1"], "tried on Test, and no labelled photo"),
    ],
)
def test_too_few_labels_are_told(kept, said):
    with pytest.raises(FruitsError, match=said):
        check_labels(pd.DataFrame([r[:3] for r in ROWS if r[0] in kept], columns=NAMES))


def test_labels_with_photos_in_common(caplog):
    rows = [("a", 1), ("b", 1), ("c", 1), ("b", 2), ("c", 2), ("a", 3), ("a", 3), (None, 3)]
    photos = pd.DataFrame(rows, columns=["label", "pixels"])
    assert find_shared(photos) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert "b and c have photos in common" in caplog.text


def test_a_pca_of_other_features_is_refused(spark):
    features = spark.createDataFrame(ROWS, SCHEMA)
    training = features.where("split = 'Training'").select("features")
    model = to_spark_model(fit_pca(distributed_moments(training), 1, False), spark, "features", "p")
    check_pca(features, model)
    changed = spark.createDataFrame([*ROWS, ("n", "Training", "a", [7.0, 7.0])], SCHEMA)
    with pytest.raises(FruitsError, match="PCA is of other features"):
        check_pca(changed, model)


def test_rows_keep_their_order_without_photos_of_others(spark):
    """Even where Spark would shuffle by itself."""
    rows = [(f"Training/a/{i:02}", "Training", "a", [float(i), 0.0]) for i in range(40)]
    training = spark.createDataFrame(rows, SCHEMA)
    settings = {"spark.sql.autoBroadcastJoinThreshold": "-1", "spark.sql.shuffle.partitions": "4"}
    before = {name: spark.conf.get(name) for name in settings}
    try:
        for name, value in settings.items():
            spark.conf.set(name, value)
        kept = without_photos_of(training, spark.createDataFrame(rows[5:7], SCHEMA))
        found = [row.path for row in kept.collect()]
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)
    assert found == [row[0] for row in rows[:5] + rows[7:]]
