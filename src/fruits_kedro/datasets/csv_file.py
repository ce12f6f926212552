"""A Spark frame as one CSV file."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.datasets.spark_dataset import SparkDataset
from fruits_kedro.storage.atomic import atomic_replace

# Keeps text exactly: commas, quotes, line ends, leading and trailing spaces.
_EXACT = {
    "header": True,
    "escape": '"',
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
}


class CsvFileDataset(SparkDataset[DataFrame, DataFrame]):
    """One CSV file with a header, which pandas and Excel can read.

    Spark writes a folder with one part beside the target; a rename then puts the part in its place.
    """

    def load(self) -> DataFrame:
        """The rows."""
        options = {**_EXACT, "multiLine": True, **self._load_args}
        return SparkSession.builder.getOrCreate().read.options(**options).csv(self._url)

    def save(self, data: DataFrame) -> None:
        """Replace the file atomically."""
        options = {**_EXACT, **self._save_args}
        with atomic_replace(self._url, self._credentials) as (parts, target):
            data.coalesce(1).write.options(**options).csv(parts)
            (part,) = (p for p in target.fs.find(target.new) if "/part-" in p)
            target.replace(part)
