"""Fitted Spark ML pipelines on disk."""

from __future__ import annotations

import json

from pyspark.ml import PipelineModel

from fruits_kedro.datasets.spark_whole import SparkWholeDataset
from fruits_kedro.storage.atomic import written_beside
from fruits_kedro.storage.filesystem import file_system


class SparkModelDataset(SparkWholeDataset):
    """A ``pyspark.ml.PipelineModel`` in Spark's own format, which any Spark job can load."""

    last_file = "metadata/part-00000"  # names the folders of the stages

    def _load(self) -> PipelineModel:
        return PipelineModel.load(self._spark_path)

    def _save(self, data: PipelineModel) -> None:
        with written_beside(self._spark_path, self._credentials) as (new, target):
            data.write().save(new)
            target.replace(target.new, last=self.last_file)


class SparkModelsDataset(SparkWholeDataset):
    """A folder of ``pyspark.ml.PipelineModel``, by name; replaced as a whole."""

    last_file = "names.json"

    def _load(self) -> dict[str, PipelineModel]:
        fs, path = file_system(self._spark_path, self._credentials)
        names = json.loads(fs.cat_file(f"{path}/{self.last_file}"))
        return {name: PipelineModel.load(f"{self._spark_path}/{name}") for name in names}

    def _save(self, data: dict[str, PipelineModel]) -> None:
        with written_beside(self._spark_path, self._credentials) as (new, target):
            for name, model in data.items():
                model.write().save(f"{new}/{name}")
            target.fs.pipe_file(f"{target.new}/{self.last_file}", json.dumps(list(data)).encode())
            target.replace(target.new, last=self.last_file)
