"""Late materialisation of features: references (file, row) until a worker writes the rows."""

from __future__ import annotations

import bisect
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from fruits_kedro.storage.filesystem import file_system

_FEATURES = StructField("features", ArrayType(FloatType()))
_PLACE = ("file", "file_bytes", "row")
# SQL for the location of a row that was read from Parquet; ``file`` is a URI.
ROW_LOCATION = (
    "_metadata.file_path as file",
    "_metadata.file_size as file_bytes",
    "_metadata.row_index as row",
)
_KEPT_BYTES = 24 * 2**20  # of features, per worker
_READ_WHOLE = 8 * 2**20  # one request; footer and column would take three


@dataclass(frozen=True)
class FeatureRefs:
    """References to feature vectors (file, row), resolved by the worker that writes them.

    No feature passes through the JVM, which spends time on each float.

    Attributes:
        rows: all other columns, and ``file, file_bytes, row``, as in ``ROW_LOCATION``. Of
            neighbours with the same ``path`` the first counts.
        columns: of the complete rows, in order, with ``features`` (list of float32).
    """

    rows: DataFrame
    columns: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """Schema of the complete rows."""
        fields = {"features": _FEATURES} | {field.name: field for field in self.rows.schema}
        return to_arrow_schema(StructType([fields[name] for name in self.columns]))


def read_features(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, credentials: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    """The complete rows of ``FeatureRefs.rows``, in order, with the columns of the schema.

    It is fast if neighbours lie in the same files.
    """
    files = _FeatureFiles(credentials)
    for batch in batches:
        features = files.take(*(batch.column(name) for name in _PLACE))
        columns = dict(zip(batch.schema.names, batch.columns)) | {"features": features}
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


class _FeatureFiles:
    """A cache of the row groups read last."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._credentials = credentials
        self._open: tuple[str, pq.ParquetFile] | None = None
        self._groups: OrderedDict[tuple[str, int], pa.ListArray] = OrderedDict()
        self._first_rows: dict[str, list[int]] = {}

    def take(self, files: pa.Array, sizes: pa.Array, rows: pa.Array) -> pa.ListArray:
        """The features of rows of files, in order; successive rows of a file are copied at once."""
        names, size = files.dictionary_encode(), sizes.to_numpy()
        place, row = names.indices.to_numpy(), rows.to_numpy()
        breaks = np.flatnonzero((np.diff(place) != 0) | (np.diff(row) != 1)) + 1
        parts: list[pa.ListArray] = []
        for start, stop in itertools.pairwise([0, *breaks.tolist(), len(row)]):
            name = names.dictionary[int(place[start])].as_py()
            parts += self._slices(name, int(size[start]), int(row[start]), stop - start)
        return pa.concat_arrays(parts)

    def _slices(self, name: str, size: int, row: int, length: int) -> Iterator[pa.ListArray]:
        """The features of successive rows of a file, from one or more row groups."""
        firsts = self._first_rows_of(name, size)
        while length:
            group = bisect.bisect_right(firsts, row) - 1
            found = self._features(name, group, size).slice(row - firsts[group], length)
            yield found
            row, length = row + len(found), length - len(found)

    def _first_rows_of(self, name: str, size: int) -> list[int]:
        """The number of the first row of each row group, then that of all rows."""
        if name not in self._first_rows:
            metadata = self._file(name, size).metadata
            lengths = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            self._first_rows[name] = [0, *itertools.accumulate(lengths)]
        return self._first_rows[name]

    def _features(self, name: str, group: int, size: int) -> pa.ListArray:
        key = (name, group)
        if key not in self._groups:
            table = self._file(name, size).read_row_group(group, ["features"], use_threads=False)
            self._groups[key] = table.column(0).combine_chunks()
        self._groups.move_to_end(key)
        while len(self._groups) > 1 and (
            sum(kept.nbytes for kept in self._groups.values()) > _KEPT_BYTES
        ):
            self._groups.popitem(last=False)
        return self._groups[key]

    def _file(self, name: str, size: int) -> pq.ParquetFile:
        if self._open is None or self._open[0] != name:
            fs, path = file_system(unquote(name), self._credentials)
            if isinstance(fs, LocalFileSystem):
                source = path
            elif size <= _READ_WHOLE:
                source = pa.BufferReader(fs.cat_file(path))
            else:
                source = fs.open(path, "rb", cache_type="none", size=size)
            self._open = (name, pq.ParquetFile(source))
        return self._open[1]
