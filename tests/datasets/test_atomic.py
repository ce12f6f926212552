"""An output is there whole or not at all, and the last one stays until the new one is complete."""

import os
import shutil
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from kedro.io import DatasetError, Version
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.ml.linalg import Vectors

from fruits_kedro import datasets
from fruits_kedro.backbones import Backbone
from fruits_kedro.features.checkpoint import CheckpointWriter, rows_of
from fruits_kedro.spark.extraction import ExtractionJob
from fruits_kedro.storage import atomic

BACKBONE = Backbone("m", "litert", "mixed", 96, 4, "auto", "x", "0" * 64, b"model")


class Killed(BaseException):
    """Stands in for kill -9 at one line: nothing catches it, and nothing after that line runs."""


@pytest.fixture
def die(monkeypatch):
    """Let the process end at the n-th call of a function of ``os``, and nothing clear up."""

    def arrange(name, call):
        real, calls = getattr(os, name), []

        def dying(*args, **kwargs):
            calls.append(args)
            if len(calls) == call:
                monkeypatch.setattr(atomic.LocalFileSystem, "rm", lambda *_, **__: None)
                raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, dying)
        return lambda: monkeypatch.undo()

    return arrange


@pytest.fixture
def frame(spark):
    return lambda *values: spark.createDataFrame([(v,) for v in values], "value long")


def values(dataset):
    return sorted(row.value for row in dataset.load().collect())


@pytest.fixture(params=[datasets.ParquetDataset, datasets.ArrowParquetDataset])
def parquet(request):
    return request.param


@pytest.mark.parametrize("call", [1, 2])
def test_parquet_that_dies_between_its_renamings(parquet, frame, tmp_path, die, call):
    dataset = parquet(filepath=str(tmp_path / "rows"))
    dataset.save(frame(1, 2))
    revive = die("replace", call)
    with pytest.raises(Killed):
        dataset.save(frame(3))
    revive()
    if call == 1:  # nothing was moved yet
        assert values(dataset) == [1, 2]
    else:  # the last one was moved aside: nothing half-written is there
        assert not dataset.exists()
    dataset.recover()
    assert values(dataset) == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
    dataset.save(frame(3))
    assert values(dataset) == [3] and [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_a_job_that_fails_leaves_the_last_one(parquet, frame, tmp_path):
    dataset = parquet(filepath=str(tmp_path / "rows"))
    dataset.save(frame(1))
    with pytest.raises(DatasetError):
        dataset.save(frame(3, 4).selectExpr("raise_error('no') as value"))
    assert values(dataset) == [1] and [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_a_frame_may_replace_what_it_is_read_from(parquet, frame, tmp_path):
    dataset = parquet(filepath=str(tmp_path / "rows"))
    dataset.save(frame(1, 2))
    dataset.save(dataset.load().selectExpr("value + 1 as value"))
    assert values(dataset) == [2, 3]


def test_parquet_without_its_mark_does_not_load(parquet, frame, tmp_path):
    dataset = parquet(filepath=str(tmp_path / "rows"))
    optional = parquet(filepath=str(tmp_path / "rows"), optional=True)
    assert optional.load() is None
    dataset.save(frame(1))
    (tmp_path / "rows" / "_SUCCESS").unlink()
    with pytest.raises(DatasetError, match="not complete"):
        dataset.load()
    assert optional.load() is None


def test_parquet_that_has_lost_a_file_does_not_load(parquet, frame, tmp_path):
    optional = parquet(filepath=str(tmp_path / "rows"), optional=True)
    optional.save(frame(1, 2, 3).repartition(2))
    next((tmp_path / "rows").glob("*.parquet")).unlink()
    with pytest.raises(DatasetError, match=r"has lost 1 of its \d files, such as part-"):
        optional.load()


def test_types_that_only_spark_knows_come_back(spark, tmp_path):
    rows = [(Vectors.dense([1.0, 2.0]), Decimal("1.50"), datetime(2026, 1, 2, 3, 4, 5))]
    data = spark.createDataFrame(rows, ["vector", "decimal", "time"])
    dataset = datasets.ParquetDataset(filepath=str(tmp_path / "rows"))
    dataset.save(data)
    assert dataset.load().schema == data.schema and dataset.load().collect() == data.collect()


def model(statement):
    return PipelineModel([SQLTransformer(statement=f"SELECT {statement} AS value FROM __THIS__")])


def test_a_model_that_dies_between_its_renamings(spark, frame, tmp_path, die):
    dataset = datasets.SparkModelDataset(filepath=str(tmp_path / "model"))
    dataset.save(model("1"))
    revive = die("replace", 2)
    with pytest.raises(Killed):
        dataset.save(model("2"))
    revive()
    assert not dataset.exists()
    dataset.recover()
    assert dataset.load().transform(frame(0)).head().value == 1


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (datasets.JsonDataset, {"a": 1}, {"a": object()}),
        (datasets.CsvDataset, pd.DataFrame({"a": [1]}), "no frame"),
        (datasets.ArrowTableDataset, pa.table({"a": [1]}), "no table"),
    ],
)
def test_a_file_whose_writing_fails_stays_as_it_was(kind, first, second, tmp_path):
    dataset = kind(filepath=str(tmp_path / "file"))
    dataset.save(first)
    before = (tmp_path / "file").read_bytes()
    with pytest.raises(DatasetError):
        dataset.save(second)
    assert (tmp_path / "file").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


KINDS = {
    "rows": datasets.ParquetDataset,
    "rows.csv": datasets.CsvFileDataset,
    "model": datasets.SparkModelDataset,
    "models": datasets.SparkModelsDataset,
    "info.json": datasets.JsonDataset,
    "m.backbone": datasets.BackboneDataset,
    "map.parquet": datasets.ArrowTableDataset,
}


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_held_back_takes_its_place_later_or_never(name, kept, frame, tmp_path):
    def version(n):
        return {
            "rows": lambda: frame(n),
            "rows.csv": lambda: frame(n),
            "model": lambda: model(n),
            "models": lambda: {f"m{n}": model(n)},
            "info.json": lambda: {"n": n},
            "m.backbone": lambda: replace(BACKBONE, weights_source=str(n)),
            "map.parquet": lambda: pa.table({"n": [n]}),
        }[name]()

    def found(dataset):
        data = dataset.load()
        return {
            "rows": lambda: data.first().value,
            "rows.csv": lambda: int(data.first().value),
            "model": lambda: int(data.stages[0].getStatement().split()[1]),
            "models": lambda: int(next(iter(data)).removeprefix("m")),
            "info.json": lambda: data["n"],
            "m.backbone": lambda: int(data.weights_source),
            "map.parquet": lambda: data["n"][0].as_py(),
        }[name]()

    dataset, other = (KINDS[name](filepath=str(tmp_path / name)) for _ in "ab")
    dataset.save(version(1))
    dataset.hold_back()
    dataset.save(version(2))
    dataset.save(version(3))
    assert found(dataset) == 3 and found(other) == 1
    dataset.publish() if kept else dataset.discard()
    assert found(dataset) == found(other) == (3 if kept else 1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_model_is_loaded_by_its_name_and_without_the_others(spark, tmp_path):
    dataset = datasets.SparkModelsDataset(filepath=str(tmp_path / "models"))
    dataset.save({f"m{n}": model(n) for n in (1, 2)})
    found = dataset.load()
    for n in (1, 2):
        assert found[f"m{n}"].stages[0].getStatement() == model(n).stages[0].getStatement()
    shutil.rmtree(tmp_path / "models/m1")
    assert list(found) == ["m1", "m2"] and found["m2"].stages
    with pytest.raises(KeyError):
        found["m3"]


@pytest.mark.parametrize("kind", [datasets.JsonDataset, datasets.ArrowTableDataset])
def test_an_optional_file_may_be_missing(kind, tmp_path):
    place = {"filepath": str(tmp_path / "none")}
    assert kind(**place, optional=True).load() is None
    with pytest.raises(DatasetError):
        kind(**place).load()


def test_versions_of_a_file_are_kedro_s(tmp_path):
    place = {"filepath": str(tmp_path / "info.json")}
    for name in ("2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"):
        dataset = datasets.JsonDataset(**place, version=Version(None, name))
        dataset.hold_back()
        dataset.save({"of": name})
        dataset.publish()
    found = [path.parent.name for path in sorted(tmp_path.rglob("*/info.json"))]
    assert found == ["2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"]
    newest = datasets.JsonDataset(**place, version=Version(None, None))
    assert newest.load() == {"of": "2026-01-02T00.00.00.000Z"}


def test_recovery_removes_what_is_left_and_nothing_else(tmp_path):
    names = ["info.json", ".info.json.0123abcd.new", ".info.json.notours", "other.json"]
    for name in [*names, ".other.json.0123abcd.new"]:
        (tmp_path / name).write_text("{}")
    datasets.JsonDataset(filepath=str(tmp_path / "info.json")).recover()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {names[0], names[2], names[3], ".other.json.0123abcd.new"}
    datasets.JsonDataset(filepath=str(tmp_path / "no" / "folder.json")).recover()


def test_a_checkpoint_grows_and_goes(spark, tmp_path):
    dataset = datasets.ExtractionCheckpointDataset(filepath=str(tmp_path / "checkpoint"))
    assert dataset.load() is None
    dataset.save(ExtractionJob(spark.range(600).repartition(1), iter))
    sizes = sorted(
        len(pd.read_parquet(path)) for path in (tmp_path / "checkpoint").glob("*.parquet")
    )
    assert sizes == [88, 256, 256]
    dataset.save(ExtractionJob(spark.range(600, 700).repartition(2), iter))
    (tmp_path / "checkpoint" / ".cut-off.parquet.1").write_bytes(b"PAR1")
    assert sorted(row.id for row in dataset.load().collect()) == list(range(700))
    assert dataset.rows_written() == 100  # by this run
    dataset.release()  # as Kedro does once no node needs it
    assert len(dataset.load().collect()) == 700
    dataset.clear()
    assert dataset.load() is None and not list(tmp_path.iterdir())


def test_rows_are_counted_as_they_are_written(tmp_path):
    rows = pa.RecordBatch.from_pydict({"id": list(range(300))})
    told = CheckpointWriter(str(tmp_path), {}, "run").write([rows], 0)
    for expected in (256, 300):
        next(told)
        assert sum(rows_of(path.name) for path in tmp_path.iterdir()) == expected


def test_a_backbone_that_is_damaged_is_none(tmp_path):
    backbone = BACKBONE
    dataset = datasets.BackboneDataset(filepath=str(tmp_path / "new" / "m.backbone"))
    assert dataset.load() is None and not dataset.exists()
    dataset.save(backbone)
    assert dataset.load() == backbone
    path = tmp_path / "new" / "m.backbone"
    path.write_bytes(path.read_bytes()[:-50])
    assert dataset.load() is None
    dataset.save(backbone)
    path.rename(path.with_name("mobilenetv2.backbone"))  # as earlier versions named it
    assert datasets.BackboneDataset(filepath=str(path)).load() == backbone
    in_bucket = datasets.BackboneDataset(filepath="memory://bucket/m.backbone")
    in_bucket.save(backbone)
    assert in_bucket.load() == backbone
