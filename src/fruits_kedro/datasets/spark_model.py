"""A fitted Spark ML pipeline on disk."""

from __future__ import annotations

from kedro_datasets.spark import SparkDatasetV2
from pyspark.ml import PipelineModel

from fruits_kedro.datasets.replace import file_system, recover, written_beside

_HEAD = "metadata/part-00000"  # names the folders of the stages


class SparkModelDataset(SparkDatasetV2):
    """A ``pyspark.ml.PipelineModel`` in Spark's own format, which any Spark job can load."""

    def _load(self) -> PipelineModel:
        return PipelineModel.load(self._spark_path)

    def _save(self, data: PipelineModel) -> None:
        with written_beside(self._spark_path, self._credentials) as (new, target):
            data.write().save(new)
            target.replace(target.new, last=_HEAD)

    def _exists(self) -> bool:
        fs, path = file_system(f"{self._spark_path}/{_HEAD}", self._credentials)
        return bool(fs.exists(path))

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        recover(self._spark_path, self._credentials)
