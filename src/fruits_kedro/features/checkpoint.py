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
from fruits_kedro.storage.filesystem import file_system, write_whole

_ROWS = 256  # of a file: seconds of work, or a minute with photos of 12 megapixels
# A worker keeps back what is smaller than its buffer, and the bar would stand still meanwhile.
_FLUSHED = 65536

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

    def write(self, batches: Batches, stretch: int, task: int) -> Iterator[pa.RecordBatch]:
        """Write batches to files of the same number of rows each, of whole stretches; yields a row
        for each written.

        A task that is tried again may meet its rows in another order: its files have other names,
        as its number is another, and who reads them takes each photo once.
        """
        fs, path = file_system(self.folder, self.credentials)
        rows = stretch * max(1, _ROWS // stretch)
        for part, table in enumerate(in_tables(batches, rows)):
            name = f"{self.run}-{task:05d}-{part:05d}.parquet"
            _write(fs, f"{path}/{name}", table)
            size = _FLUSHED // table.num_rows + 1
            written = pa.array([bytes(size)] * table.num_rows, pa.binary())
            yield pa.RecordBatch.from_pydict({"written": written})


def _write(fs: Any, path: str, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, use_dictionary=False, compression="snappy")
    content = buffer.getvalue().to_pybytes()
    if isinstance(fs, LocalFileSystem):
        write_whole(Path(path), content)
    else:
        fs.pipe_file(path, content)  # an object appears when all of it is there
