"""Some rows and columns of a Parquet dataset, under a name of their own."""

from __future__ import annotations

from typing import Any

from kedro.io import DatasetError
from pyspark.sql import DataFrame

from fruits_kedro.datasets.parquet import ParquetDataset


class SparkViewDataset(ParquetDataset):
    """A view of another dataset's files: nothing is stored twice.

    A node that makes the view's frame has it as its output, so that the view stands in the
    pipeline where it belongs. Saving writes nothing: it checks that the frame has the view's
    columns, and loading reads them from the files.
    """

    def __init__(self, *, where: str, columns: list[str], **kwargs: Any) -> None:
        """Define a view.

        Args:
            where: a SQL condition on the rows.
            columns: the columns to keep, in order.
            kwargs: as for ``ParquetDataset``; ``filepath`` is that of the other dataset.
        """
        super().__init__(**kwargs)
        self._where = where
        self._columns = columns

    def _load(self) -> DataFrame:
        frame: Any = super()._load()
        return frame.where(self._where).select(*self._columns)

    def _save(self, data: DataFrame) -> None:
        if data.columns != self._columns:
            raise DatasetError(f"This view has the columns {self._columns}, not {data.columns}.")

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"where": self._where, "columns": self._columns}
