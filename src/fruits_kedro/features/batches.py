"""Regroups the Arrow batches that Spark gives a worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc


def in_tables(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The rows of batches, in order, as tables of ``rows`` rows; the last may have fewer."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(b.num_rows for b in waiting) >= rows:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, rows)
            waiting = table.slice(rows).to_batches()
    if any(b.num_rows for b in waiting):
        yield pa.Table.from_batches(waiting)


def first_of_each(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
    """The first of neighbouring rows that agree in a column, also across batches."""
    last = None
    for batch in batches:
        if not batch.num_rows:
            continue
        values = batch.column(column)
        changes = pc.not_equal(values[1:], values[:-1]).to_pylist()
        first = [values[0].as_py() != last, *changes]
        last = values[-1].as_py()
        if any(first):
            yield batch.filter(pa.array(first))
