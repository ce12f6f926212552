"""A fitted Spark ML pipeline on disk."""

from __future__ import annotations

from pyspark.ml import PipelineModel

from fruits_kedro.datasets.replace import written_beside
from fruits_kedro.datasets.spark_whole import SparkWholeDataset


class SparkModelDataset(SparkWholeDataset):
    """A ``pyspark.ml.PipelineModel`` in Spark's own format, which any Spark job can load."""

    last_file = "metadata/part-00000"  # names the folders of the stages

    def _load(self) -> PipelineModel:
        return PipelineModel.load(self._spark_path)

    def _save(self, data: PipelineModel) -> None:
        with written_beside(self._spark_path, self._credentials) as (new, target):
            data.write().save(new)
            target.replace(target.new, last=self.last_file)
