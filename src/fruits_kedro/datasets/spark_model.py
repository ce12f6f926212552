"""Fitted Spark ML pipelines on disk."""

from __future__ import annotations

import json

from pyspark.ml import PipelineModel

from fruits_kedro.datasets.spark_dataset import SparkDataset
from fruits_kedro.spark.paths import model_pattern
from fruits_kedro.storage.atomic import atomic_replace
from fruits_kedro.storage.filesystem import file_system


class SparkModelDataset(SparkDataset[PipelineModel, PipelineModel]):
    """A ``PipelineModel`` in Spark's own format, which any Spark job can load."""

    last_file = "metadata/part-00000"  # names the stages' folders

    def load(self) -> PipelineModel:
        """The model."""
        return PipelineModel.load(model_pattern(self._url))

    def save(self, data: PipelineModel) -> None:
        """Replace the model atomically."""
        with atomic_replace(self._url, self._credentials) as (new, target):
            data.write().save(new)
            target.replace(target.new, last=self.last_file)


class SparkModelsDataset(SparkDataset[dict[str, PipelineModel], dict[str, PipelineModel]]):
    """A folder of ``PipelineModel`` by name, replaced as a whole."""

    last_file = "names.json"

    def load(self) -> dict[str, PipelineModel]:
        """The models by name."""
        fs, path = file_system(self._url, self._credentials)
        names = json.loads(fs.cat_file(f"{path}/{self.last_file}"))
        return {name: PipelineModel.load(model_pattern(f"{self._url}/{name}")) for name in names}

    def save(self, data: dict[str, PipelineModel]) -> None:
        """Replace all models atomically."""
        with atomic_replace(self._url, self._credentials) as (new, target):
            for name, model in data.items():
                model.write().save(f"{new}/{name}")
            target.fs.pipe_file(f"{target.new}/{self.last_file}", json.dumps(list(data)).encode())
            target.replace(target.new, last=self.last_file)
