"""Batches as Spark hands them to a worker, put together to tables of a size of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def in_tables(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The rows of batches, in order, as tables of so many rows each; the last may have fewer."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(b.num_rows for b in waiting) >= rows:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, rows)
            waiting = table.slice(rows).to_batches()
    if any(b.num_rows for b in waiting):
        yield pa.Table.from_batches(waiting)
