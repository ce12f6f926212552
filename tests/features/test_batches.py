"""Rows of batches, whatever lies across their borders."""

import pyarrow as pa
import pytest

from fruits_kedro.features.batches import first_of_each, in_tables


@pytest.mark.parametrize("rows_a_batch", [1, 2, 3, 9])
def test_the_first_of_neighbours_stays(rows_a_batch):
    rows = [("a", 1), ("a", 2), ("b", 3), ("c", 4), ("c", 5), ("c", 6), ("d", 7), ("a", 8)]
    table = pa.table({"path": [path for path, _ in rows], "value": [value for _, value in rows]})
    empty = table.slice(0, 0).to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    batches = [*empty, *table.to_batches(max_chunksize=rows_a_batch), *empty]
    found = list(first_of_each(batches, "path"))
    assert [row["value"] for batch in found for row in batch.to_pylist()] == [1, 3, 4, 7, 8]
    assert all(batch.num_rows for batch in found)


@pytest.mark.parametrize(
    ("batches", "rows", "sizes"),
    [([], 3, []), ([0], 3, []), ([3], 3, [3]), ([2, 0, 5], 3, [3, 3, 1]), ([7], 2, [2, 2, 2, 1])],
)
def test_tables_have_so_many_rows_in_order(batches, rows, sizes):
    numbers = iter(range(100))
    given = [
        pa.RecordBatch.from_pydict({"id": pa.array([next(numbers) for _ in range(n)], pa.int64())})
        for n in batches
    ]
    tables = list(in_tables(given, rows))
    assert [table.num_rows for table in tables] == sizes
    assert [i for t in tables for i in t["id"].to_pylist()] == list(range(sum(batches)))
