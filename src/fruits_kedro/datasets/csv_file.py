"""A Spark frame as one CSV file."""

from __future__ import annotations

import fsspec
from kedro_datasets.spark import SparkDatasetV2
from pyspark.sql import DataFrame


class CsvFileDataset(SparkDatasetV2):
    """One CSV file with a header, written by Spark row by row: pandas and Excel read it as it is.

    Spark alone writes a folder of parts. Here it writes one part to a folder beside the target,
    and a move puts that part in the target's place, so that a file there is always whole.
    """

    def _save(self, data: DataFrame) -> None:
        options = {"header": True, "escape": '"', **self._save_args}
        parts = f"{self._spark_path}.parts"
        data.coalesce(1).write.mode("overwrite").options(**options).csv(parts)
        url = self._spark_path.replace("s3a://", "s3://")
        fs, target = fsspec.core.url_to_fs(url, use_listings_cache=False, **self._credentials)
        (part,) = (p for p in fs.ls(f"{target}.parts", detail=False) if "/part-" in p)
        if fs.isdir(target):
            fs.rm(target, recursive=True)
        fs.mv(part, target)
        fs.rm(f"{target}.parts", recursive=True)
