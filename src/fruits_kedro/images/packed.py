"""Photos packed into a few Parquet files; and what opens these, archives or a folder."""

from __future__ import annotations

import bisect
import itertools
import json
import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.archives import ArchivedImages, is_archive
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.hugging_face import HuggingFaceImages
from fruits_kedro.images.source import LISTING_SCHEMA, PACKED_SUFFIX, ImageSource
from fruits_kedro.storage.filesystem import file_system, local_path
from fruits_kedro.storage.manifest import MARK, SPARKS_SCHEMA, manifest_files, read_manifest

PACKED_FROM = "packed_from"  # metadata of a column
_GROUPS_KEPT = 4  # row groups of some megabytes
_FILES_OPEN = 8


class PackedImages(ImageSource):
    """The output of ``kedro run --pipelines packing``.

    Parquet files of ``path, modificationTime, length, content, error``, ordered by path within and
    across files. Whole row groups are read.
    """

    def _connect(self) -> None:
        self._fs, self._base = file_system(self.root, self.storage_options)
        self._lock = threading.Lock()
        self._open: dict[str, pq.ParquetFile] = {}
        self._first: dict[str, str] = {}
        self._groups: deque[dict[str, bytes | ImageError]] = deque(maxlen=_GROUPS_KEPT)

    @property
    def origin(self) -> str:
        """The folder or URL that the photos were packed from; packed ones count as it."""
        written = (self._file(self._files[0]).schema_arrow.metadata or {}).get(SPARKS_SCHEMA, b"{}")
        fields = json.loads(written).get("fields", [])
        found = (field.get("metadata", {}).get(PACKED_FROM) for field in fields)
        return next(filter(None, found), super().origin)

    def exists(self) -> bool:
        """Whether the packed photos are complete."""
        return bool(self._fs.exists(f"{self._base}/{MARK}"))

    def check(self) -> None:
        """Raise FruitsError unless the packed photos are complete."""
        if not self.exists():
            raise FruitsError(
                f"There are no packed photos in {self.root}, or not all of them (no {MARK}).\n"
                "Pack a folder of photos: kedro run --pipelines packing --params images=<folder>"
            )

    def list(self) -> pa.Table:
        """List the photos, as :meth:`ImageSource.list`.

        Raises:
            FruitsError: the packed photos are incomplete or not in order.
        """
        self.check()
        names = LISTING_SCHEMA.names
        tables = [self._file(name).read(names) for name in self._files]
        table = pa.concat_tables(t.cast(LISTING_SCHEMA) for t in tables if t.num_rows)
        paths = table.column("path").to_pylist()
        if any(one >= other for one, other in itertools.pairwise(paths)):
            raise FruitsError(f"{self.root} is not ordered by path: pack the photos again.")
        return table

    def read(self, path: str) -> bytes:
        """Read one photo, as :meth:`ImageSource.read`; keeps its row group for the next calls.

        Raises:
            ImageError: the photo is missing, or could not be read when it was packed.
        """
        with self._lock:
            found = self._group_of(path).get(path)
        if found is None:
            raise ImageError("read", "missing", f"not in {self.root}")
        if isinstance(found, ImageError):
            raise found
        return found

    @cached_property
    def _files(self) -> Sequence[str]:
        manifest = read_manifest(self._fs, self._base) or b""
        return manifest_files(manifest, self.root, self._fs.ls(self._base, detail=False))

    def _file(self, name: str) -> pq.ParquetFile:
        if name not in self._open:
            source = name if isinstance(self._fs, LocalFileSystem) else self._fs.open(name)
            self._open[name] = pq.ParquetFile(source)
            if len(self._open) > _FILES_OPEN:
                self._open.pop(next(iter(self._open))).close(force=True)
        return self._open[name]

    def _first_path(self, name: str) -> str:
        if name not in self._first:
            self._first[name] = self._first_paths(name)[0]
        return self._first[name]

    def _first_paths(self, name: str) -> Sequence[str]:
        """The first path of each row group, read from the footer."""
        metadata = self._file(name).metadata
        groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
        return [group.column(0).statistics.min for group in groups]

    def _group_of(self, path: str) -> dict[str, bytes | ImageError]:
        for group in reversed(self._groups):
            if path in group:
                return group
        file = bisect.bisect_right(self._files, path, key=self._first_path) - 1
        if file < 0:
            return {}
        name = self._files[file]
        row_group = bisect.bisect_right(self._first_paths(name), path) - 1
        self._groups.append(self._read_group(name, row_group))
        return self._groups[-1]

    def _read_group(self, name: str, group: int) -> dict[str, bytes | ImageError]:
        table = self._file(name).read_row_group(group, ["path", "content", "error"])
        columns = (table.column(column).to_pylist() for column in ("path", "content", "error"))
        return {
            path: ImageError.parse(error) if content is None else content
            for path, content, error in zip(*columns)
        }


def open_images(root: str, storage_options: dict[str, Any] | None = None) -> ImageSource:
    """The photos below a root; nothing is listed or read yet.

    Args:
        root: a folder of photos; packed ones if its name ends in ``.parquet``, or those of Hugging
            Face if that is a file or has a ``*``; archives if it ends in ``.zip`` or ``.tar``. A
            path or a URL that fsspec knows.
        storage_options: for fsspec.
    """
    kind: type[ImageSource] = ImageFolder
    if root.rstrip("/").endswith(PACKED_SUFFIX):
        is_file = "*" in root.rpartition("/")[2] or os.path.isfile(local_path(root))
        kind = HuggingFaceImages if is_file else PackedImages
    elif is_archive(root) and not os.path.isdir(local_path(root)):
        kind = ArchivedImages
    return kind(root, storage_options or {})
