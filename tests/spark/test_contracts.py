"""What breaks a contract is refused, and named by its rows."""

import pandas as pd
import pytest

from fruits_kedro.config.parameters import PcaParams
from fruits_kedro.errors import FruitsError
from fruits_kedro.pipelines.reduction.nodes import fit_pca_model
from fruits_kedro.spark.contracts import check_index, check_vectors

TRAINING = ("Training", "Kiwi")
EXTRACTED = (
    "path string, split string, label string, features array<float>, error string, "
    "fingerprint string"
)


def test_a_photo_in_two_splits_is_refused():
    index = pd.DataFrame({"path": ["a", "b", "a"], "split": ["Training", "Test", "Test"]})
    with pytest.raises(FruitsError, match=r"several rows in the index: 'a'\."):
        check_index(index)
    check_index(index[1:])


def test_an_unknown_split_is_refused():
    with pytest.raises(FruitsError, match="'b'"):
        check_index(pd.DataFrame({"path": ["a", "b"], "split": ["Training", "Trainig"]}))


@pytest.mark.parametrize(
    "broken", [[1.0, float("nan")], [float("-inf"), 0.0], [1.0], [1.0, 2.0, 3.0], None, [1.0, None]]
)
def test_wrong_vectors_are_named(spark, broken):
    rows = [("good.jpg", [1.0, 2.0]), ("bad\n.jpg", broken)]
    frame = spark.createDataFrame(rows, "path string, features array<float>")
    check_vectors(frame.where("path = 'good.jpg'"), "features", 2)
    with pytest.raises(FruitsError, match=r"not 2 finite numbers: 'bad\\n.jpg'\."):
        check_vectors(frame, "features", 2)


@pytest.mark.parametrize("broken", [[1.0, float("nan"), 0.0], [1.0, 2.0]])
def test_pca_names_the_rows_it_cannot_take(spark, recwarn, broken):
    rows = [(f"{i}.jpg", *TRAINING, [i, i * i, 1.0], None, "x") for i in map(float, range(6))]
    rows[3] = (*rows[3][:3], broken, None, "x")
    counts = pd.DataFrame({"split": ["Training"], "features": [6]})
    with pytest.raises(FruitsError, match=r"not 3 finite numbers: '3\.0\.jpg'\."):
        fit_pca_model(spark.createDataFrame(rows, EXTRACTED), counts, PcaParams(n_components=1))
    assert not any("Traceback" in str(warning.message) for warning in recwarn)


def test_pca_of_fewer_rows_than_there_are_is_refused(spark):
    rows = [(f"{i}.jpg", *TRAINING, [i, i * i, 1.0], None, "x") for i in map(float, range(6))]
    counts = pd.DataFrame({"split": ["Training"], "features": [7]})
    with pytest.raises(FruitsError, match="was given 6 of 7 Training rows"):
        fit_pca_model(spark.createDataFrame(rows, EXTRACTED), counts, PcaParams(n_components=1))
