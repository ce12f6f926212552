"""What workers write of an extraction as they go: small files, each whole. No Kedro in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.features.batches import in_tables
from fruits_kedro.storage.filesystem import file_system, write_atomic

_ROWS = 256  # of a file: seconds of work, or a minute with photos of 12 megapixels

Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class CheckpointWriter:
    """Writes one task's rows to files. Picklable: the workers write through it.

    Attributes:
        folder: where to, a URL or a local path.
        credentials: for fsspec.
        run: a name for the run: its files never take the place of an earlier run's.
    """

    folder: str
    credentials: dict[str, Any]
    run: str

    def write(self, batches: Batches, task: int) -> Iterator[pa.RecordBatch]:
        """Write batches to files of 256 rows each; yields the number of rows of each.

        A task that is tried again may meet its rows in another order: its files have other names,
        as its number is another, and who reads them takes each photo once.
        """
        fs, path = file_system(self.folder, self.credentials)
        for part, table in enumerate(in_tables(batches, _ROWS)):
            name = f"{self.run}-{task:05d}-{part:05d}-{table.num_rows}.parquet"
            _write(fs, f"{path}/{name}", table)
            yield pa.RecordBatch.from_pydict({"rows": [table.num_rows]})


def rows_of(name: str) -> int:
    """The number of rows that a file's name tells."""
    return int(name.removesuffix(".parquet").rpartition("-")[2])


def _write(fs: Any, path: str, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, use_dictionary=False, compression="snappy")
    content = buffer.getvalue().to_pybytes()
    if isinstance(fs, LocalFileSystem):
        write_atomic(Path(path), content)
    else:
        fs.pipe_file(path, content)  # an object appears when all of it is there
