"""A Spark frame as one CSV file."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType

from fruits_kedro.datasets.base import SparkDataset
from fruits_kedro.datasets.formulas import STARTS
from fruits_kedro.spark.paths import spark_pattern
from fruits_kedro.storage.filesystem import file_system

# Text as it is, whatever it holds: commas, quotes, line ends, spaces at its ends.
_EXACT = {
    "header": True,
    "escape": '"',
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
}

# As ``shield`` does it, in one expression: a regular expression takes Spark longer to compile.
_STARTS = ", ".join(f'"{start}"' for start in STARTS)
_SHIELDED = f"""if(substr({{0}}, 1, 1) in ({_STARTS}), concat("'", {{0}}), {{0}})"""


class CsvFileDataset(SparkDataset[DataFrame, DataFrame]):
    """One CSV file with a header, which pandas and Excel can read.

    Spark writes a folder with one part beside the target; a rename then puts the part in its place.

    Args:
        text: the columns that hold text; all others hold numbers. None: all hold text.
    """

    def __init__(self, *, filepath: str, text: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._text = text

    def load(self) -> DataFrame:
        """The rows, with strings and doubles."""
        fs, path = file_system(self._newest, self._credentials)
        with fs.open(path, "rb") as file:
            names = pd.read_csv(file, nrows=0).columns
        kinds = ("string" if self._text is None or n in self._text else "double" for n in names)
        # Without a schema Spark would infer one, and take the path for a pattern once more.
        schema = ", ".join(f"`{name}` {kind}" for name, kind in zip(names, kinds))
        options = {**_EXACT, "multiLine": True, **self._load_args}
        reader = SparkSession.builder.getOrCreate().read.options(**options).schema(schema)
        rows = reader.csv(spark_pattern(self._newest))
        return _map_text(rows, """if({0} like "'%", substr({0}, 2), {0})""")

    def save(self, data: DataFrame) -> None:
        """Replace the file atomically."""
        options = {**_EXACT, **self._save_args}
        with self._new_version() as (url, version):
            safe = _map_text(data, _SHIELDED)
            safe.coalesce(1).write.options(**options).csv(url)
            files = version.fs.find(version.new)
            (version.part,) = (f for f in files if f.rpartition("/")[2].startswith("part-"))


def _map_text(rows: DataFrame, sql: str) -> DataFrame:
    """The rows, with this SQL in the place of each column ``{}`` of text."""
    texts = {field.name for field in rows.schema if field.dataType == StringType()}
    columns = (f"{sql.format(f'`{n}`')} as `{n}`" if n in texts else f"`{n}`" for n in rows.columns)
    return rows.selectExpr(*columns)
