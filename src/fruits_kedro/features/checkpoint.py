"""Writes the checkpoint of an extraction: small files, each atomic. No Kedro in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fruits_kedro.features.batches import in_tables
from fruits_kedro.storage.filesystem import file_system, write_file

_ROWS = 256  # per file: seconds of work, or a minute with photos of 12 megapixels

Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class CheckpointWriter:
    """Writes one task's rows to files. Picklable: the workers use it.

    Attributes:
        folder: a URL or a local path.
        run: a name for the run, so that it never overwrites an earlier run's files.
    """

    folder: str
    credentials: dict[str, Any]
    run: str

    def write(self, batches: Batches, task: int) -> Iterator[pa.RecordBatch]:
        """Write files of 256 rows; yields the number of rows of each.

        ``task`` is unique per attempt. An attempt may meet its rows in another order, so its files
        have other names, and readers take each photo once.
        """
        fs, path = file_system(self.folder, self.credentials)
        for part, table in enumerate(in_tables(batches, _ROWS)):
            name = f"{self.run}-{task:05d}-{part:05d}-{table.num_rows}.parquet"
            buffer = pa.BufferOutputStream()
            pq.write_table(table, buffer, use_dictionary=False, compression="snappy")
            write_file(fs, f"{path}/{name}", buffer.getvalue().to_pybytes())
            yield pa.RecordBatch.from_pydict({"rows": [table.num_rows]})


def rows_of(name: str) -> int:
    """The number of rows in a file's name."""
    return int(name.removesuffix(".parquet").rpartition("-")[2])
