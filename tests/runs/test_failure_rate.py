"""A run stops where too many photos cannot be used: after writing all it has, and saying where."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fruits_kedro.pipelines.extraction.failure_rate import FailureRateError, check_failure_rate


def test_the_worst_folders_are_named(spark):
    names = [f"Training/a [b]/{i}.jpg" for i in range(90)] + [f"x{i}.jpg" for i in range(10)]
    index = spark.createDataFrame([(name,) for name in names], "path string")
    bad = [(names[0], "empty"), (names[1], "damaged"), (names[2], "empty"), ("x1.jpg", "empty")]
    rejected = spark.createDataFrame(bad, "path string, reason string")
    counts = pd.DataFrame({"images": [60, 40], "rejected": [3, 1]})
    check_failure_rate(counts, rejected, index, 0.04)
    with pytest.raises(FailureRateError) as caught:
        check_failure_rate(counts, rejected, index, 0.039)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("4 of 100 photos (4.0%) cannot be used")
    assert lines[1:3] == ["- Training/a [b]: 3 of 90 (damaged, empty)", "- .: 1 of 10 (empty)"]


def test_the_share_that_is_allowed_is_allowed(spark):
    names = [(f"{i}.jpg", "empty") for i in range(100)]
    index = spark.createDataFrame(names, "path string, reason string")
    for failed in (29, 57, 58):
        counts = pd.DataFrame({"images": [100], "rejected": [failed]})
        check_failure_rate(counts, index.limit(failed), index, failed / 100)
        with pytest.raises(FailureRateError, match=rf"max_failure_rate={failed / 100:g}$"):
            check_failure_rate(counts, index.limit(failed), index, 0.01)


def test_a_run_stops_after_writing_what_it_has(kedro_run, sample, tmp_path):
    params = {"images": sample, "store": tmp_path, "extraction.max_failure_rate": 0.3}
    part = kedro_run("--tags", "ingestion,extraction", **params)
    assert part.exit_code == 1 and "30 of 90 photos (33.3%)" in part.output
    result = kedro_run(**params)
    assert result.exit_code == 1
    message = result.output[result.output.rindex("Error: ") :]
    assert "30 of 90 photos (33.3%)" in message and "- Test/" in message
    assert pq.read_table(tmp_path / "04_feature/extracted_features").num_rows == 90
    assert len(pd.read_csv(tmp_path / "08_reporting/rejected_images.csv")) == 30
    info = json.loads((tmp_path / "08_reporting/model_info.json").read_text())
    assert info["counts"]["rejected_by_reason"]["decode: truncated"] == 3
    assert info["stopped"].startswith("30 of 90 photos") and "pca" not in info
    assert not (tmp_path / "06_models/pca_model").exists()
    table = result.output[result.output.rindex("Result") :]
    assert "3 decode: truncated" in table
    allowed = kedro_run(images=sample, store=tmp_path, **{"extraction.max_failure_rate": 0.34})
    assert allowed.exit_code == 0, allowed.output
    assert json.loads((tmp_path / "04_feature/extraction_plan.json").read_text())["done"] == 60
