"""A fitted Spark ML pipeline on disk."""

from __future__ import annotations

from kedro_datasets.spark import SparkDatasetV2
from pyspark.ml import PipelineModel


class SparkModelDataset(SparkDatasetV2):
    """A ``pyspark.ml.PipelineModel`` in Spark's own format, which any Spark job can load."""

    def _load(self) -> PipelineModel:
        return PipelineModel.load(self._spark_path)

    def _save(self, data: PipelineModel) -> None:
        data.write().overwrite().save(self._spark_path)
