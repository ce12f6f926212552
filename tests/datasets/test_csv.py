"""Tables that people open keep any text, and no spreadsheet calculates it."""

import csv

import pandas as pd
import pytest

from fruits_kedro.datasets import CsvDataset, CsvFileDataset

LABELS = [
    *("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "'quoted'", "Kiwi", "a\rb", "a\nb", "a\r\nb"),
    *('"x"', " space ", "1,2", "001", "null", "\\", "\\N", "P\u00eache"),
]


@pytest.fixture(params=["pandas", "spark"])
def written(request, spark, tmp_path):
    """The labels, saved and loaded again; and the cells of the file as a spreadsheet reads them."""
    path = tmp_path / "labels.csv"
    frame = pd.DataFrame({"label": LABELS, "n": range(len(LABELS))})
    if request.param == "pandas":
        text = {"dtype": {"label": str}, "keep_default_na": False}
        dataset = CsvDataset(filepath=str(path), load_args=text)
        dataset.save(frame)
        found = dataset.load()
    else:
        dataset = CsvFileDataset(filepath=str(path), text=["label"])
        dataset.save(spark.createDataFrame(frame))
        found = dataset.load().toPandas()
    with path.open(newline="") as file:
        return found["label"].tolist(), [row[0] for row in csv.reader(file)][1:]


def test_any_text_comes_back_and_none_is_a_formula(written):
    labels, cells = written
    assert labels == LABELS
    assert cells == [f"'{x}" if x[0] in "=+-@\t\r'" else x for x in LABELS]
    assert not any(cell[:1] in {"=", "+", "-", "@", "\t", "\r"} for cell in cells)


def test_no_text_stays_no_text(spark, tmp_path):
    dataset = CsvFileDataset(filepath=str(tmp_path / "labels.csv"))
    rows = spark.createDataFrame([("a", None), (None, "#")], "path string, label string")
    dataset.save(rows)
    assert dataset.load().collect() == rows.collect()
