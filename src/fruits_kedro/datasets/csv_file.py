"""A Spark frame as one CSV file."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from fruits_kedro.datasets.spark_dataset import SparkDataset
from fruits_kedro.storage.atomic import atomic_replace

# Text as it is, whatever it holds: commas, quotes, line ends, spaces at its ends.
_EXACT = {
    "header": True,
    "escape": '"',
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
}


class CsvFileDataset(SparkDataset[DataFrame, DataFrame]):
    """One CSV file with a header, written by Spark row by row: pandas and Excel read it as it is.

    Spark alone writes a folder of parts. Here it writes one part to a folder beside the target,
    and a move puts that part in the target's place, so that a file there is always whole.
    """

    def load(self) -> DataFrame:
        """The rows."""
        options = {**_EXACT, "multiLine": True, **self._load_args}
        return SparkSession.builder.getOrCreate().read.options(**options).csv(self._url)

    def save(self, data: DataFrame) -> None:
        """Replace the file, atomically."""
        options = {**_EXACT, **self._save_args}
        with atomic_replace(self._url, self._credentials) as (parts, target):
            data.coalesce(1).write.options(**options).csv(parts)
            (part,) = (p for p in target.fs.find(target.new) if "/part-" in p)
            target.replace(part)
