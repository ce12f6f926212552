"""A fitted Spark ML pipeline on disk."""

from __future__ import annotations

from kedro_datasets.spark import SparkDatasetV2
from pyspark.ml import PipelineModel

from fruits_kedro.datasets.replace import written_beside


class SparkModelDataset(SparkDatasetV2):
    """A ``pyspark.ml.PipelineModel`` in Spark's own format, which any Spark job can load."""

    def _load(self) -> PipelineModel:
        return PipelineModel.load(self._spark_path)

    def _save(self, data: PipelineModel) -> None:
        with written_beside(self._spark_path, self._credentials) as (new, target):
            data.write().save(new)
            target.replace(target.new)
