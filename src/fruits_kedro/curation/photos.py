"""What a store knows about its photos, beside their features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.backbones.fingerprints import check_one_backbone
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.rows import Read, feature_rows
from fruits_kedro.images.quality import ImageQuality
from fruits_kedro.images.thumbnail import SIDE

_COLUMNS = ["path", "split", "label", "content_hash", *ImageQuality._fields]


@dataclass(frozen=True)
class Photos:
    """The usable photos, ordered by path.

    Attributes:
        table: ``path, split, label, pixels`` (a hash of the features, which are equal bit for bit
            where the pixels are), ``content_hash`` and the figures of ``ImageQuality`` (null where
            an earlier version extracted them).
        thumbnails: ``(photos, SIDE * SIDE)``, uint8: gray values; zeros where ``known`` is false.
        known: whether there is a thumbnail: earlier versions made none.
        fingerprint: of the backbone.
    """

    table: pd.DataFrame
    thumbnails: NDArray[np.uint8]
    known: NDArray[np.bool_]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.table)


def read_photos(read: Read) -> Photos:
    """The usable photos of a store.

    Args:
        read: batches, none of them empty, of some of the columns ``path, split, label, features,
            fingerprint, content_hash, quality, thumbnail``, the last three of which may be missing.

    Raises:
        FruitsError: there is no photo, or the features are of more than one backbone.
    """
    about: list[pa.RecordBatch] = []
    pixels: list[NDArray[np.uint64]] = []
    thumbnails: list[NDArray[np.uint8]] = []
    known: list[NDArray[np.bool_]] = []
    columns = ["path", "split", "label", "fingerprint", "content_hash", "quality"]
    for batch in read([*columns, "thumbnail", "features"]):
        pixels.append(np.array([_hash(row) for row in feature_rows(batch)], np.uint64))
        there, small = _thumbnails(batch)
        known.append(there)
        thumbnails.append(small)
        about.append(batch.select([name for name in columns if name in batch.schema.names]))
    if not about:
        raise FruitsError("The store has no photo with features.\nRun 'kedro run' first.")
    table = pa.Table.from_batches(about).flatten()  # the struct ``quality`` into columns
    frame = table.rename_columns([n.removeprefix("quality.") for n in table.column_names])
    photos = frame.to_pandas().assign(pixels=np.concatenate(pixels).view(np.int64))
    fingerprint, *_ = backbones = photos["fingerprint"].unique().tolist()
    check_one_backbone(backbones)
    order = photos["path"].argsort(kind="stable").to_numpy()
    photos = photos.reindex(columns=[*_COLUMNS, "pixels"]).iloc[order].reset_index(drop=True)
    place = np.argsort(order)
    small = np.empty((len(photos), SIDE * SIDE), np.uint8)
    for part in thumbnails:  # in place: there may be gigabytes
        small[place[: len(part)]], place = part, place[len(part) :]
    return Photos(photos, small, np.concatenate(known)[order], fingerprint)


def _hash(row: NDArray[np.float32]) -> int:
    return int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")


def _thumbnails(batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Whether each photo has a thumbnail; and the thumbnails, zeros where there is none."""
    small = np.zeros((batch.num_rows, SIDE * SIDE), np.uint8)
    known = np.zeros(batch.num_rows, bool)
    if "thumbnail" in batch.schema.names:
        column = batch.column("thumbnail")
        known = column.is_valid().to_numpy(zero_copy_only=False)
        values = b"".join(column.drop_null().to_pylist())
        small[known] = np.frombuffer(values, np.uint8).reshape(-1, SIDE * SIDE)
    return known, small
