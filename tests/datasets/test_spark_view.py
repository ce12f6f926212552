"""Some rows and columns of a Parquet dataset, stored once."""

import pytest
from kedro.io import DatasetError

from fruits_kedro.datasets import ParquetDataset, SparkViewDataset


@pytest.fixture
def stored(spark, tmp_path):
    rows = spark.createDataFrame(
        [(1, "a", None), (2, "b", "broken")], "id long, x string, e string"
    )
    ParquetDataset(filepath=str(tmp_path / "rows")).save(rows)
    return rows, SparkViewDataset(
        filepath=str(tmp_path / "rows"), where="e is null", columns=["x", "id"]
    )


def test_a_view_shows_its_rows_and_columns(stored):
    _, view = stored
    assert [row.asDict() for row in view.load().collect()] == [{"x": "a", "id": 1}]


def test_saving_writes_nothing_and_refuses_other_columns(stored):
    rows, view = stored
    view.save(rows.where("e is not null").select("x", "id"))
    assert view.load().count() == 1  # of the files, as before
    with pytest.raises(
        DatasetError, match=r"has the columns \['x', 'id'\], not \['id', 'x', 'e'\]"
    ):
        view.save(rows)
