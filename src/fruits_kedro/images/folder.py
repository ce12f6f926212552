"""A folder of photos on a disk or in a bucket."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.decode import EXTENSIONS
from fruits_kedro.images.source import LISTING_SCHEMA, ImageSource
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.s3 import is_s3

logger = logging.getLogger(__name__)

_REQUESTS = 32  # in parallel per worker: one takes as long as several inferences


class ImageFolder(ImageSource):
    """A folder of photos, on a disk or in a bucket; each photo is read on its own."""

    def _connect(self) -> None:
        options = self.storage_options
        if is_s3(self.root):
            # No concurrency within a file: s3fs would send a HEAD per photo to learn its size.
            own = {"config_kwargs": {"max_pool_connections": _REQUESTS}, "max_concurrency": 1}
            options = own | options
        self._fs, self._base = file_system(self.root, options)
        self._is_local = isinstance(self._fs, LocalFileSystem)
        if not self._is_local:
            self._readers, self._at_once = _REQUESTS, 1

    def read(self, path: str) -> bytes:
        """Read one photo, as :meth:`ImageSource.read`.

        Raises:
            ImageError: reason ``missing``, ``forbidden``, ``outside_root`` (a link out of the root)
                or ``unreadable``.
        """
        try:
            if self._is_local:  # ten times faster than through fsspec
                return self._read_local(f"{self._base}/{path}")
            return bytes(self._fs.cat_file(f"{self._base}/{path}"))
        except ImageError:
            raise
        except FileNotFoundError as error:
            raise ImageError("read", "missing", error) from None
        except PermissionError as error:
            raise ImageError("read", "forbidden", error) from None
        except Exception as error:
            if self._is_local:
                raise ImageError("read", "unreadable", error) from None
            raise FruitsError(f"{self.root}/{path} could not be read: {error!r}") from error

    def _read_local(self, path: str) -> bytes:
        if os.path.islink(path) and not _is_below(path, self._base):
            raise ImageError("read", "outside_root", f"a link to {os.path.realpath(path)}")
        with open(path, "rb") as file:
            return file.read()

    def list(self) -> pa.Table:
        """List the photos, as :meth:`ImageSource.list`; logs how many files are no images."""
        other: Counter[str] = Counter()
        rows: list[tuple[str, datetime, int]] = []
        for path, modified, length in self._walk():
            extension = PurePosixPath(path).suffix.lower()
            if extension in EXTENSIONS:
                rows.append((path, modified, length))
            else:
                other[extension or "no extension"] += 1
        if other:
            counts = ", ".join(f"{n} {extension}" for extension, n in other.most_common(5))
            logger.warning("%d files in %s are not photos: %s", other.total(), self.root, counts)
        if not rows:
            raise FruitsError(
                f"There are no photos in {self.root} (looked for {', '.join(EXTENSIONS)} in it "
                "and in every folder below).\nMake a sample with 'kedro sample', or give "
                "--params images=<folder>."
            )
        rows.sort()
        columns = [pa.array(c, f.type) for c, f in zip(zip(*rows), LISTING_SCHEMA)]
        return pa.table(columns, schema=LISTING_SCHEMA)

    def exists(self) -> bool:
        """Whether there is anything at the root."""
        return bool(self._fs.exists(self._base))

    def check(self) -> None:
        """Raise FruitsError unless the root is a folder that can be listed."""
        try:
            info = self._fs.info(self._base)
        except FileNotFoundError:
            if is_s3(self.root):
                raise FruitsError(
                    f"There is nothing below {self.root}: give --params images=s3://<bucket>/<prefix>."
                ) from None
            raise FruitsError(
                f"The folder of photos {self.root} does not exist.\n"
                "Make a sample with 'kedro sample', or give --params images=<folder>."
            ) from None
        except Exception as error:
            raise FruitsError(f"The photos in {self.root} cannot be reached: {error}") from None
        if info["type"] != "directory":
            raise FruitsError(f"images={self.root} is a file; give the folder that holds photos.")

    def _walk(self) -> Iterator[tuple[str, datetime, int]]:
        self.check()
        if self._is_local:
            yield from _walk_local(self._base, "")
            return
        # One flat listing, 1,000 keys a page: no request per folder or photo.
        for path, info in self._fs.find(self._base, detail=True).items():
            if path.endswith("/"):
                continue  # an empty object that stands for a folder
            modified = info.get("LastModified") or datetime.fromtimestamp(0, UTC)
            yield path[len(self._base) :].lstrip("/"), modified, info["size"]


def _is_below(path: str, base: str) -> bool:
    root = os.path.realpath(base)
    return os.path.commonpath([os.path.realpath(path), root]) == root


def _walk_local(base: str, relative: str) -> Iterator[tuple[str, datetime, int]]:
    # A link to a folder is not followed: its photos are listed already, or lie outside the root.
    folder = os.path.join(base, relative)
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise FruitsError(
            f"The folder {folder} cannot be listed: {error.strerror}.\n"
            "Give this user the right to read it, or move it out of the folder of photos."
        ) from None
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk_local(base, path)
        elif entry.is_dir():
            logger.warning("%s is a link to a folder: not followed", os.path.join(base, path))
        else:
            yield _entry(path, entry)


def _entry(path: str, entry: os.DirEntry[str]) -> tuple[str, datetime, int]:
    # A name that is not UTF-8 or a broken link keeps its row; reading it gives the reason.
    name = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        stat = entry.stat()
    except OSError:
        return name, datetime.fromtimestamp(0, UTC), 0
    return name, datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size
