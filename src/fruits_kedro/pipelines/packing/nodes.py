"""Packs small photo files into a few large ones, which are fast to list and open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from fruits_kedro.errors import ImageError
from fruits_kedro.images.packed import PACKED_FROM
from fruits_kedro.images.source import ImageSource

PACKED_SCHEMA = "path string, modificationTime timestamp, length long, content binary, error string"
_BYTES_A_FILE = 128 * 2**20
_BYTES_A_BATCH = 8 * 2**20


def list_images(raw_images: ImageSource) -> pa.Table:
    """All photos: ``path, modificationTime, length``, ordered by path."""
    return raw_images.list()


def pack_images(
    image_listing: DataFrame, raw_images: ImageSource
) -> tuple[dict[str, int], DataFrame]:
    """All photos, each read once, in the order of their paths.

    Returns:
        ``images, bytes, files``; and one row per photo: ``path, modificationTime, length`` as
        listed, ``content`` (null if it cannot be read) and ``error`` (why not).
    """
    total: Any = image_listing.selectExpr("count(*) as images", "sum(length) as bytes").first()
    cores = image_listing.sparkSession.sparkContext.defaultParallelism
    files = min(total.images, max(cores, math.ceil(total.bytes / _BYTES_A_FILE)))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _read_batches(batches, raw_images)

    rows = image_listing.repartitionByRange(files, "path")
    packed = rows.sortWithinPartitions("path").mapInArrow(run, PACKED_SCHEMA)
    packed = packed.withMetadata("path", {PACKED_FROM: raw_images.origin})
    return {"images": total.images, "bytes": total.bytes, "files": files}, packed


def _read_batches(
    batches: Iterable[pa.RecordBatch], raw_images: ImageSource
) -> Iterator[pa.RecordBatch]:
    """Batches of some megabytes, however large the photos are."""
    for batch in batches:
        contents: list[bytes | ImageError] = []
        start = size = 0
        for end, content in enumerate(raw_images.read_all(batch.column("path").to_pylist()), 1):
            contents.append(content)
            size += len(content) if isinstance(content, bytes) else 0
            if size >= _BYTES_A_BATCH or end == batch.num_rows:
                yield _to_batch(batch.slice(start, len(contents)), contents)
                contents, start, size = [], end, 0


def _to_batch(rows: pa.RecordBatch, contents: list[bytes | ImageError]) -> pa.RecordBatch:
    failed = [c if isinstance(c, ImageError) else None for c in contents]
    columns = dict(zip(rows.schema.names, rows.columns)) | {
        "content": pa.array([None if e else c for c, e in zip(contents, failed)], pa.binary()),
        "error": pa.array([None if e is None else str(e) for e in failed], pa.string()),
    }
    return pa.RecordBatch.from_pydict(columns)
