"""Java gets its full compiler where Spark may fit classifiers, and nowhere else."""

from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.hooks.spark import SparkHooks

FIRST_COMPILER = "-XX:TieredStopAtLevel=1"
CHOSEN = {"inputs": ["features"], "models": ["logistic_regression"]}
OF_SPARK = {"logistic_regression": {"elasticNetParam": 0.5}}


@pytest.fixture
def java_options(project, monkeypatch):
    """Java's options in the session of a run; 30 photos have features, or None is known."""
    started = []
    monkeypatch.setattr("fruits_kedro.spark.session.start_session", started.append)
    monkeypatch.setattr("fruits_kedro.spark.session.start_workers", lambda _: None)
    hooks = SparkHooks(SimpleNamespace())
    hooks._settings = {"spark.driver.extraJavaOptions": f"{FIRST_COMPILER} -Dx=y"}
    hooks._has_keys = False

    def of(*names, photos=(20, 10), **params):
        catalog = DataCatalog(
            {"params:classification": MemoryDataset(ClassificationParams(**CHOSEN, **params))}
        )
        if photos is not None:
            catalog["extraction_counts"] = MemoryDataset(pd.DataFrame({"features": photos}))
        hooks.before_pipeline_run(sum(map(pipelines.get, names), Pipeline([])), catalog)
        return started[-1]["spark.driver.extraJavaOptions"].split()

    return of


def test_the_driver_fits_few_photos(java_options):
    assert FIRST_COMPILER in java_options("classification", driver_images=30)
    assert java_options("classification", driver_images=29) == ["-Dx=y"]
    assert FIRST_COMPILER in java_options("__default__", driver_images=29)  # fits none


def test_spark_fits_what_the_driver_cannot(java_options):
    assert java_options("classification", **OF_SPARK) == ["-Dx=y"]


def test_spark_may_fit_photos_that_nobody_has_counted(java_options):
    assert java_options("classification", photos=None) == ["-Dx=y"]
    assert java_options("__default__", "classification") == ["-Dx=y"]  # it may find more
