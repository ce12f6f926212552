"""The model of a classification for MLflow: it predicts what ``kedro predict`` predicts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DataCatalog
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, Schema

from fruits_kedro import __version__
from fruits_kedro.commands.predict import predict_folder
from fruits_kedro.datasets import (
    BackboneDataset,
    JsonDataset,
    SparkModelDataset,
    SparkModelsDataset,
)
from fruits_kedro.datasets.cached import stored
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.spark.session import start_session
from fruits_kedro.storage.filesystem import file_system

_DATASETS = {
    "backbone": BackboneDataset,
    "pca_model": SparkModelDataset,
    "classifiers": SparkModelsDataset,
    "classifier_info": JsonDataset,
}
_SIGNATURE = ModelSignature(inputs=Schema([ColSpec("binary", "content")]))
_SPARK = {
    "spark.master": "local[*]",
    "spark.ui.enabled": False,
    "spark.ui.showConsoleProgress": False,
    "spark.sql.execution.arrow.pyspark.enabled": True,
}


class PhotoClassifier(PythonModel):
    """Backbone, PCA and best classifier of a store.

    Args:
        limits: per photo.
    """

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits

    def load_context(self, context: Any) -> None:
        """Start Spark, and find the files of the store."""
        start_session(_SPARK)
        found = {name: Path(context.artifacts[name]) for name in _DATASETS}
        self._catalog = DataCatalog({n: _DATASETS[n](filepath=str(p)) for n, p in found.items()})

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """The predicted labels of photos.

        Args:
            model_input: a photo in each row: ``content``, the bytes of its file.

        Returns:
            The columns of ``kedro predict`` but ``path``, a row for each photo, in order.
        """
        with tempfile.TemporaryDirectory() as folder:
            for i, content in enumerate(model_input["content"]):
                Path(folder, f"{i:09d}.jpg").write_bytes(content)
            found = predict_folder(self._catalog, folder, self._limits)
        return found.drop(columns="path")


def log_classifier(catalog: DataCatalog, limits: ImageLimits) -> None:
    """Add the model of a store to the active run of MLflow, as ``model``."""
    with tempfile.TemporaryDirectory() as folder:
        artifacts = {}
        credentials = stored(catalog.get("backbone")).credentials
        for name in _DATASETS:
            dataset: Any = catalog.get(name)
            fs, path = file_system(dataset.location, credentials)
            artifacts[name] = str(Path(folder, Path(path).name))
            if not isinstance(fs, LocalFileSystem):
                fs.get(path, artifacts[name], recursive=True)
            elif fs.isdir(path):  # its get would take a name for a pattern
                shutil.copytree(path, artifacts[name])
            else:
                shutil.copy(path, artifacts[name])
        mlflow.pyfunc.log_model(
            name="model",
            python_model=PhotoClassifier(limits),
            artifacts=artifacts,
            pip_requirements=[f"fruits-kedro[classification,mlflow]=={__version__}"],
            signature=_SIGNATURE,
        )
