"""A table of Arrow, as a Kedro dataset."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from fruits_kedro.datasets.base import AtomicFsspecDataset
from fruits_kedro.storage.filesystem import file_system


class ArrowTableDataset(AtomicFsspecDataset[pa.Table, pa.Table | None]):
    """One Parquet file, for programs that open a file and no folder."""

    def load(self) -> pa.Table | None:
        """The rows."""
        if self.optional and not self._exists():
            return None
        fs, path = file_system(self._newest, self._credentials)
        with fs.open(path, "rb") as file:
            return pq.read_table(file)

    def save(self, data: pa.Table) -> None:
        """Replace the file atomically."""
        with self._new_version() as (_, version), version.fs.open(version.new, "wb") as file:
            pq.write_table(data, file)
