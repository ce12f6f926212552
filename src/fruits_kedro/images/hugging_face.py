"""Photos in Parquet files as Hugging Face's ``datasets`` writes them."""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.indexed import IndexedImages, last_of_each
from fruits_kedro.images.listing import EPOCH, LeftOut, to_time

logger = logging.getLogger(__name__)

# Its files are called train-00000-of-00005.parquet.
_SPLITS = {"train": "Training", "test": "Test", "val": "Validation"}
_SPLIT = re.compile(rf"({'|'.join(_SPLITS)})(idation)?[-_.]", re.IGNORECASE)
_PARTS = {"bytes", "path"}  # of an image
_FILES_OPEN = 8


class HuggingFaceImages(IndexedImages):
    """The photos of Parquet files with a column of images: ``export/*.parquet``.

    A photo's path is ``<split>/<label>/<name>``: the split is that of the file's name, the label
    that of the column ``label``. Whole row groups are read.
    """

    where = pa.schema([("file", pa.int32()), ("group", pa.int32()), ("row", pa.int32())])

    def _connect(self) -> None:
        super()._connect()
        self._open: dict[int, pq.ParquetFile] = {}
        self._group: tuple[tuple[int, int], Any] = ((-1, -1), None)

    def _expand(self, place: str) -> list[str]:
        return sorted(self._fs.glob(place)) if "*" in place else super()._expand(place)

    def _scan(self, file: Any, name: str, number: int, left_out: LeftOut) -> Iterator[Any]:
        parquet, modified = pq.ParquetFile(file), self._modified(number)
        image, labels = _image_of(parquet.schema_arrow, name), _names_of(parquet.schema_arrow)
        if labels is None:
            there = ", ".join(parquet.schema_arrow.names)
            logger.warning("%s has no column label, so its photos have none: %s", name, there)
        split = _SPLIT.match(name.rpartition("/")[2])
        folder = f"{_SPLITS[split[1].lower()]}/" if split else ""
        for group in range(parquet.num_row_groups):
            columns = [image, "label"] if labels is not None else [image]
            table = parquet.read_row_group(group, columns=columns)
            photos = table[image].combine_chunks()
            lengths = pc.fill_null(pc.binary_length(photos.field("bytes")), 0).to_pylist()
            found = table["label"].to_pylist() if labels is not None else itertools.repeat(None)
            named = zip(photos.field("path").to_pylist(), found, lengths)
            for row, (path, label, length) in enumerate(named):
                if labels:  # -1 says that there is none
                    label = labels[label] if label in range(len(labels)) else None
                below = f"{label}/" if label is not None else ""
                own = (path or f"{number:04}-{group:04}-{row:06}.jpg").rpartition("/")[2]
                yield f"{folder}{below}{own}", modified, length, number, group, row

    def _one_of_each(self, table: pa.Table) -> pa.Table:
        """Rows are photos: names that repeat get the numbers of file, row group and row."""
        rows = table.to_pandas()
        repeats = rows["path"].duplicated(keep=False)
        numbers = rows[["file", "group", "row"]].itertuples(index=False)
        named = zip(rows["path"], repeats, numbers)
        unique = [_numbered(path, *where) if again else path for path, again, where in named]
        return last_of_each(self.root, table.set_column(0, "path", pa.array(unique)))

    def _modified(self, number: int) -> datetime:
        try:
            return to_time(float(self._states[number][1]))
        except ValueError:  # the ETag of a bucket
            return EPOCH

    def _read_rows(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes | ImageError]]:
        def place(row: dict[str, Any]) -> tuple[int, int]:
            return row["file"], row["group"]

        for (file, group), some in itertools.groupby(sorted(rows, key=place), place):
            contents = self._contents(file, group)
            for row in some:
                content = contents[row["row"]].as_py()
                missing = ImageError("read", "missing", "the file has its name alone")
                yield row["path"], missing if content is None else content

    def _contents(self, file: int, group: int) -> Any:
        """The bytes of the photos of a row group."""
        if self._group[0] != (file, group):
            try:
                if file not in self._open:
                    if len(self._open) == _FILES_OPEN:
                        self._open.pop(next(iter(self._open))).close(force=True)
                    self._open[file] = pq.ParquetFile(self._fs.open(self._names[file], "rb"))
                parquet = self._open[file]
                image = _image_of(parquet.schema_arrow, self._names[file])
                column = parquet.read_row_group(group, columns=[image])[image].combine_chunks()
            except (OSError, pa.ArrowException) as error:
                raise FruitsError(f"{self.root} could not be read: {error!r}") from error
            self._group = (file, group), column.field("bytes")
        return self._group[1]


def _numbered(path: str, file: int, group: int, row: int) -> str:
    stem, extension = os.path.splitext(path)
    return f"{stem} {file:04}-{group:04}-{row:06}{extension}"


def _image_of(schema: pa.Schema, name: str) -> str:
    """The column of images: each is its bytes and its path."""
    for field in schema:
        if pa.types.is_struct(field.type) and {part.name for part in field.type} >= _PARTS:
            return str(field.name)
    raise FruitsError(
        f"{name} has no column of images, each with its bytes and its path; its columns are "
        f"{', '.join(schema.names)}."
    )


def _names_of(schema: pa.Schema) -> list[str] | None:
    """The names of the labels; empty where the column has them itself; None: there is none."""
    if "label" not in schema.names:
        return None
    about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    found = about.get("info", {}).get("features", {}).get("label", {})
    return list(found.get("names", []))
