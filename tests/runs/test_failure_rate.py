"""A run stops where too many photos cannot be used: after writing all it has, and saying where."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fruits_kedro.errors import FailureRateError
from fruits_kedro.pipelines.extraction.outcomes import check_failure_rate


def info(images, rejected, allowed):
    counts = {"images": images, "rejected": rejected}
    return {"counts": counts, "failure_rate": rejected / images, "max_failure_rate": allowed}


def test_the_worst_folders_are_named(spark):
    names = [f"Training/a [b]/{i}.jpg" for i in range(90)] + [f"x{i}.jpg" for i in range(10)]
    index = spark.createDataFrame([(name,) for name in names], "path string")
    bad = [(names[0], "empty"), (names[1], "damaged"), (names[2], "empty"), ("x1.jpg", "empty")]
    rejected = spark.createDataFrame(bad, "path string, reason string")
    counts = pd.DataFrame({"images": [60, 40], "rejected": [3, 1]})
    assert check_failure_rate(info(100, 4, 0.04), counts, rejected, index) is counts
    with pytest.raises(FailureRateError) as caught:
        check_failure_rate(info(100, 4, 0.039), counts, rejected, index)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("4 of 100 photos (4.0%) cannot be used")
    assert lines[1:3] == ["- Training/a [b]: 3 of 90 (damaged, empty)", "- .: 1 of 10 (empty)"]


def test_the_share_that_is_allowed_is_allowed(spark):
    names = [(f"{i}.jpg", "empty") for i in range(100)]
    index = spark.createDataFrame(names, "path string, reason string")
    for failed in (29, 57, 58):
        rejected = index.limit(failed)
        check_failure_rate(info(100, failed, failed / 100), pd.DataFrame(), rejected, index)
        with pytest.raises(FailureRateError, match=rf"max_failure_rate={failed / 100:g}$"):
            check_failure_rate(info(100, failed, 0.01), pd.DataFrame(), rejected, index)


def test_a_run_stops_after_writing_what_it_has(kedro_run, sample, tmp_path):
    params = {"images": sample, "store": tmp_path, "extraction.max_failure_rate": 0.3}
    result = kedro_run(**params)
    assert result.exit_code == 1
    message = result.output[result.output.rindex("Error: ") :]
    assert "30 of 90 photos (33.3%)" in message and "- Test/" in message
    assert pq.read_table(tmp_path / "04_feature/extracted_features").num_rows == 90
    assert len(pd.read_csv(tmp_path / "08_reporting/rejected_images.csv")) == 30
    found = json.loads((tmp_path / "04_feature/extraction_info.json").read_text())
    assert found["counts"]["rejected_by_reason"]["decode: truncated"] == 3
    assert found["failure_rate"] == pytest.approx(30 / 90) and found["max_failure_rate"] == 0.3
    for name in ("06_models/pca_model", "08_reporting/model_info.json"):
        assert not (tmp_path / name).exists()
    table = result.output[result.output.rindex("Result") :]
    assert "3 decode: truncated" in table
    params["extraction.max_failure_rate"] = 0.34
    allowed = kedro_run("--tags", "ingestion,extraction", **params)
    assert allowed.exit_code == 0, allowed.output
    assert json.loads((tmp_path / "04_feature/extraction_plan.json").read_text())["done"] == 60
