"""A folder of photos on a disk or in a bucket."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.bucket import list_bucket
from fruits_kedro.images.clutter import clutter_folder
from fruits_kedro.images.formats import extensions
from fruits_kedro.images.listing import EPOCH, Entry, LeftOut, to_listing, to_time
from fruits_kedro.images.source import ImageSource
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.s3 import S3Settings, is_of_key, is_s3
from fruits_kedro.storage.s3_check import check_bucket

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
            if is_of_key(error):
                raise FruitsError(f"{self.root}: {error}. Sign in again.") from error
            raise ImageError("read", "forbidden", error) from None
        except Exception as error:
            if self._is_local:
                raise ImageError("read", "unreadable", error) from None
            raise FruitsError(f"{self.root}/{path} could not be read: {error!r}") from error

    def _read_local(self, path: str) -> bytes:
        if os.path.islink(path) and not _is_below(path, self._base):
            raise ImageError("read", "outside_root", f"a link to {os.path.realpath(path)}")
        # Not to wait for a pipe that has taken a photo's place.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ImageError("read", "unreadable", "not a regular file")
            return file.read()

    def list(self) -> pa.Table:
        """List the photos, as :meth:`ImageSource.list`; log the number of other files by kind."""
        left_out = LeftOut(self.root)
        self.check()
        if is_s3(self.root):
            table = list_bucket(self.root, self._s3_settings(), left_out)
        else:
            table = to_listing(left_out.photos_of(self._walk(left_out)))
        left_out.log()
        if not table.num_rows:
            raise FruitsError(
                f"There are no photos in {self.root} (looked for {', '.join(extensions())} in it "
                "and in every folder below).\nGive the folder of your photos or their archive "
                "(images=photos.zip), or make a sample with 'kedro sample'."
            )
        return table

    def exists(self) -> bool:
        """Whether there is anything at the root."""
        if is_s3(self.root):
            return check_bucket(self.root, self._s3_settings())
        return bool(self._fs.exists(self._base))

    def check(self) -> None:
        """Raise FruitsError unless the root is a folder that can be listed."""
        if is_s3(self.root):  # by a LIST: a role may not ask for an object of the root's own name
            if not self.exists():
                raise FruitsError(
                    f"There is nothing below {self.root}: give --params images=s3://<bucket>/<prefix>."
                )
            return
        try:
            info = self._fs.info(self._base)
        except FileNotFoundError:
            raise FruitsError(
                f"The folder of photos {self.root} does not exist.\n"
                "Give the folder of your photos, or make a sample with 'kedro sample'."
            ) from None
        except Exception as error:
            raise FruitsError(f"The photos in {self.root} cannot be reached: {error}") from None
        if info["type"] != "directory":
            raise FruitsError(
                f"{self.root} is a file.\nGive the folder that holds photos, or a .zip or .tar "
                "(not a compressed tar)."
            )

    def _s3_settings(self) -> S3Settings:
        return S3Settings.of_options(self.storage_options)

    def _walk(self, left_out: LeftOut) -> Iterator[Entry]:
        if self._is_local:
            yield from _walk_local(self._base, "", left_out)
            return
        for path, info in self._fs.find(self._base, detail=True).items():
            yield path[len(self._base) + 1 :], info.get("LastModified") or EPOCH, info["size"]


def _is_below(path: str, base: str) -> bool:
    root = os.path.realpath(base)
    return os.path.commonpath([os.path.realpath(path), root]) == root


def _walk_local(base: str, relative: str, left_out: LeftOut) -> Iterator[Entry]:
    # Links to folders are not followed: photos within the root have a row already, and others were
    # not asked for.
    folder = os.path.join(base, relative)
    try:
        entries = sorted(os.scandir(folder), key=_order)
    except OSError as error:
        raise FruitsError(
            f"The folder {folder} cannot be listed: {error.strerror}.\n"
            "Give this user the right to read it, or move it out of the folder of photos."
        ) from None
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.is_dir(follow_symlinks=False):
            if kind := clutter_folder(entry.name):
                left_out.folder(kind, os.path.join(folder, entry.name))
            else:
                yield from _walk_local(base, path, left_out)
        elif _is_linked_folder(entry):
            left_out.add("links to folders, which are not followed")
        else:
            found = _entry(path, entry)
            if found is None:
                left_out.add("pipes, sockets and devices")
            else:
                yield found


def _order(entry: os.DirEntry[str]) -> bytes:
    """Entries in this order make a walk whose paths are in order: no listing has to be sorted."""
    is_folder = entry.is_dir(follow_symlinks=False)
    return os.fsencode(entry.name + "/" if is_folder else entry.name)


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return True


def _entry(path: str, entry: os.DirEntry[str]) -> Entry | None:
    # A name that is not UTF-8 or a dangling link keeps its row; reading it gives the reason.
    name = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        found = entry.stat()
    except OSError:
        return name, EPOCH, 0
    if not stat.S_ISREG(found.st_mode):
        return None
    return name, to_time(found.st_mtime), found.st_size
