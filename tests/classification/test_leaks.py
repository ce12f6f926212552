"""What a classifier is trained on is nothing that it is tried on."""

import pandas as pd
import pytest

from fruits_kedro.classification.checks import check_labels, check_pca
from fruits_kedro.classification.leaks import (
    feature_hash,
    find_leaks,
    find_shared,
    guard_leakage,
    without,
    without_photos_of,
)
from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.pca import fit_pca
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments

SCHEMA = "path string, split string, label string, features array<float>"
ROWS = [
    ("Training/a/1", "Training", "a", [1.0, 2.0]),
    ("Training/a/2", "Training", "a", [1.0, 2.5]),
    ("Training/b/1", "Training", "b", [0.0, 0.0]),
    ("Test/a/9", "Test", "a", [9.0, 9.0]),
    ("Test/b/8", "Test", "b", [1.0, 2.5]),
]
LEAK = ("Test/a/7", "Test", "a", [1.0, 2.0])


def photos(spark, *more):
    return spark.createDataFrame([*ROWS, *more], SCHEMA).withColumn("photo", feature_hash())


def leaks_of(spark, *more):
    return find_leaks(photos(spark, *more))


def test_photos_of_training_that_are_in_test_are_found(spark):
    found = leaks_of(spark, LEAK)
    assert found.to_dict("records") == [
        {
            "path": "Training/a/1",
            "label": "a",
            "test_path": "Test/a/7",
            "test_label": "a",
        },
        {
            "path": "Training/a/2",
            "label": "a",
            "test_path": "Test/b/8",
            "test_label": "b",
        },
    ]


def test_the_guard_stops_for_one_under_the_same_label(spark):
    with pytest.raises(FruitsError, match=r"1 Training photos .* 'Training/a/1' = 'Test/a/7'"):
        guard_leakage(leaks_of(spark, LEAK), leave_out=False)


def test_one_under_another_label_is_left_out_and_named(spark, caplog):
    leaks = leaks_of(spark)
    guard_leakage(leaks, leave_out=False)
    assert "1 Training photos" in caplog.text and "a = b" in caplog.text
    left = without(spark.createDataFrame(ROWS, SCHEMA), leaks["path"])
    assert [r.path for r in left.collect()] == [r[0] for r in ROWS if r[0] != "Training/a/2"]


def test_nothing_is_left_out_where_nothing_leaks(spark, caplog):
    leaks = pd.DataFrame(columns=["path", "label", "test_path", "test_label"])
    guard_leakage(leaks, leave_out=False)
    rows = spark.createDataFrame(ROWS, SCHEMA)
    assert without(rows, leaks["path"]).count() == 5 and not caplog.text


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (["Training/a/1", "Training/a/2", "Test/a/9"], "two labels or more apart.*have 1"),
        (["Test/a/9"], "two labels or more apart.*have 0"),
        (["Training/a/1", "Training/b/1"], "tried on Test, and no labelled photo"),
    ],
)
def test_too_few_labels_are_told(spark, kept, said):
    with pytest.raises(FruitsError, match=said):
        check_labels(spark.createDataFrame([r for r in ROWS if r[0] in kept], SCHEMA))


def test_labels_with_photos_in_common(spark, caplog):
    rows = [("Training/c/1", "Training", "c", [0.0, 0.0]), ("x", "Test", None, [9.0, 9.0])]
    rows += [("y", "Test", "c", [1.0, 2.5])]  # of a and b as well
    assert find_shared(photos(spark, *rows)) == [("a", "b"), ("a", "c"), ("b", "c")]
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
