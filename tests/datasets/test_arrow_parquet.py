"""What the Python workers write is what Spark would have written; nothing else counts."""

import base64
import json
import pickle
from contextlib import nullcontext
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kedro.io import DatasetError
from pyspark import TaskContext

from fruits_kedro.datasets import ArrowParquetDataset, ParquetDataset
from fruits_kedro.storage.manifest import SPARKS_SCHEMA

SCHEMA = "path string, features array<float>, bytes long, modified_at timestamp"
ROWS = [
    ("a.jpg", [0.1, -2.5e-30, 3e38], 1, datetime(2024, 2, 29, 12, 30, 0, 123456)),
    ("é\n.jpg", None, 2**40, None),
    ("c.jpg", [], None, datetime(1969, 1, 1)),
]


def test_rows_are_those_that_spark_writes(spark, tmp_path):
    frame = spark.createDataFrame(ROWS, SCHEMA).repartition(5)  # two of them are empty
    ours = ArrowParquetDataset(filepath=str(tmp_path / "ours"))
    spark_s = ParquetDataset(filepath=str(tmp_path / "spark"))
    ours.save(frame)
    spark_s.save(frame)
    assert ours.load().dtypes == spark_s.load().dtypes
    assert sorted(ours.load().collect()) == sorted(spark_s.load().collect())
    read = pq.read_table(tmp_path / "ours").to_pylist()
    by_path = {row["path"]: row["features"] for row in read}
    assert by_path["é\n.jpg"] is None and by_path["c.jpg"] == []


def test_no_rows_are_a_dataset_too(spark, tmp_path):
    dataset = ArrowParquetDataset(filepath=str(tmp_path / "none"))
    dataset.save(spark.createDataFrame([], SCHEMA).repartition(1))
    assert dataset.load().count() == 0
    assert [name for name, _ in dataset.load().dtypes][:2] == ["path", "features"]


def test_a_task_that_was_tried_again_doubles_no_row(spark, tmp_path):
    marker = tmp_path / "failed"

    def fail_once(batches):
        yield from batches
        if TaskContext.get().partitionId() == 0 and not marker.exists():
            marker.touch()
            raise RuntimeError("this attempt has written its rows already")

    frame = spark.range(100, numPartitions=2).mapInArrow(fail_once, "id long")
    dataset = ArrowParquetDataset(filepath=str(tmp_path / "rows"))
    dataset.save(frame)
    assert marker.exists()
    assert sorted(row.id for row in dataset.load().collect()) == list(range(100))
    files = json.loads((tmp_path / "rows" / "_SUCCESS").read_text())["files"]
    assert len(files) == 2 and "-c001." in files[0] and "-c000." in files[1]
    late = tmp_path / "rows" / files[0].replace("-c001.", "-c000.")
    late.write_bytes((tmp_path / "rows" / files[0]).read_bytes())
    assert dataset.load().count() == 100


def test_spark_reads_a_frame_of_pandas_whose_column_is_empty(spark, tmp_path):
    dataset = ParquetDataset(filepath=str(tmp_path / "rows"))
    dataset.save(pd.DataFrame({"path": ["a", "b"], "duplicate_of": [None, None], "n": [1, 2]}))
    loaded = dataset.load()
    assert loaded.dtypes == [("path", "string"), ("duplicate_of", "string"), ("n", "bigint")]
    assert loaded.where("duplicate_of is null").count() == 2


class Planted:
    """What a pickle of it does where it is loaded: it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["pyspark.ml.linalg.VectorUDT", "planted.Type"])
def test_a_schema_runs_no_code(spark, tmp_path, name):
    seen, folder = tmp_path / "seen", tmp_path / "rows"
    pickled = base64.b64encode(pickle.dumps(Planted(seen))).decode()
    kind = {"type": "udt", "pyClass": name, "serializedClass": pickled, "sqlType": "double"}
    field = {"name": "x", "type": kind, "nullable": True, "metadata": {}}
    written = {SPARKS_SCHEMA: json.dumps({"type": "struct", "fields": [field]})}
    folder.mkdir()
    pq.write_table(pa.table({"x": [1.0]}).replace_schema_metadata(written), folder / "a.parquet")
    (folder / "_SUCCESS").touch()
    refused = pytest.raises(DatasetError, match="a type of its own .planted.Type.")
    with refused if name == "planted.Type" else nullcontext():
        ParquetDataset(filepath=str(folder)).load()
    assert not seen.exists()
