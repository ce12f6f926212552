"""The files of a ``ParquetDataset``, read on the driver without Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kedro.io import AbstractDataset, DatasetError

from fruits_kedro.datasets.parquet import ParquetDataset

_ROWS = 2048


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files, in order.

    Attributes:
        fs: of fsspec.
        paths: on it.
    """

    fs: Any
    paths: list[str]

    @property
    def version(self) -> str:
        """The same as long as the files are."""
        names = sorted(path.rpartition("/")[2] for path in self.paths)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """The rows, in order; a column that a file lacks is left out."""
        for path in self.paths:
            with self.fs.open(path, "rb") as source, pq.ParquetFile(source) as file:
                there = [name for name in columns if name in file.schema_arrow.names]
                yield from file.iter_batches(_ROWS, columns=there, use_threads=False)

    def table(self, columns: list[str]) -> pa.Table:
        """The rows of some columns, which all files have."""
        tables = []
        for path in self.paths:
            with self.fs.open(path, "rb") as source:
                tables.append(pq.read_table(source, columns=columns))
        return pa.concat_tables(tables)


class ParquetFilesDataset(AbstractDataset[None, ParquetFiles | None]):
    """The files of another dataset, also of a version that takes its place at the end of the run.

    Args:
        of: the name of a ``ParquetDataset``.
        optional: load None if there is no complete version.
    """

    def __init__(
        self, *, of: str, optional: bool = False, metadata: dict[str, Any] | None = None
    ) -> None:
        self.of = of
        self.optional = optional
        self.metadata = metadata
        self.source: ParquetDataset | None = None  # a hook gives it, once there is a catalog

    def load(self) -> ParquetFiles | None:
        """The files of the newest complete version."""
        assert self.source is not None
        if self.optional and not self.source.exists():
            return None
        return ParquetFiles(*self.source.files())

    def save(self, data: None) -> None:
        """Refuse: the other dataset writes them."""
        raise DatasetError(f"{self.of} writes these files.")

    def _exists(self) -> bool:
        return self.source is not None and self.source.exists()

    def _describe(self) -> dict[str, Any]:
        return {"of": self.of}
