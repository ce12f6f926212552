"""Fitted Spark ML pipelines on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession

from fruits_kedro.classification.driver_classifiers import DriverClassifier, to_spark
from fruits_kedro.datasets.base import SparkDataset
from fruits_kedro.spark.paths import model_pattern
from fruits_kedro.storage.filesystem import file_system

Models = dict[str, PipelineModel] | dict[str, DriverClassifier]


class SparkModelDataset(SparkDataset[PipelineModel, PipelineModel]):
    """A ``PipelineModel`` in Spark's own format, which any Spark job can load."""

    last_file = "metadata/part-00000"  # and more, by version of Spark; names the stages' folders

    def load(self) -> PipelineModel:
        """The model."""
        return _load(self._newest)

    def save(self, data: PipelineModel) -> None:
        """Replace the model atomically."""
        with self._new_version() as (url, _):
            data.write().save(url)


class StoredModels(Mapping[str, PipelineModel]):
    """The models in a folder by name; each is loaded when it is asked for.

    Args:
        url: of the folder.
        names: of the models.
    """

    def __init__(self, url: str, names: list[str]) -> None:
        self._url, self._names = url, names

    def __getitem__(self, name: str) -> PipelineModel:
        if name not in self._names:
            raise KeyError(name)
        return _load(f"{self._url}/{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class SparkModelsDataset(SparkDataset[Models, StoredModels]):
    """A folder of ``PipelineModel`` by name, replaced as a whole."""

    last_file = "names.json"

    def load(self) -> StoredModels:
        """The models by name."""
        fs, path = file_system(self._newest, self._credentials)
        return StoredModels(self._newest, json.loads(fs.cat_file(f"{path}/{self.last_file}")))

    def save(self, data: Models) -> None:
        """Replace all models atomically. Classifiers of the driver become Spark's."""
        spark = SparkSession.builder.getOrCreate()
        with self._new_version() as (url, version):
            for name, model in data.items():
                if not isinstance(model, PipelineModel):
                    model = to_spark(model, spark, f"{url}/scratch/{name}")
                model.write().save(f"{url}/{name}")
            if version.fs.exists(f"{version.new}/scratch"):
                version.fs.rm(f"{version.new}/scratch", recursive=True)
            names = json.dumps(list(data)).encode()
            version.fs.pipe_file(f"{version.new}/{self.last_file}", names)


def _load(url: str) -> PipelineModel:
    SparkSession.builder.getOrCreate()  # Spark 4 starts none for it
    return PipelineModel.load(model_pattern(url))
