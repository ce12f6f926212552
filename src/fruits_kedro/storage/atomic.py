"""Atomic writes: write beside the target, then replace it."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.lock import check_locks

# Names of the new and the previous version beside a target, hidden from Spark and pandas.
_NEW = r"\.[0-9a-f]{8}\.new"
_OLD = ".old"


@contextmanager
def atomic_replace(url: str, credentials: dict[str, Any]) -> Iterator[tuple[str, Target]]:
    """A new URL beside ``url`` to write to, and the target; what is left there is removed.

    The name is new each time, because some object stores still list a folder that was emptied.
    """
    folder, _, name = url.rstrip("/").rpartition("/")
    new = f".{name}.{uuid.uuid4().hex[:8]}.new"
    fs, path = file_system(url, credentials)
    target = Target(fs, path, str(PurePosixPath(path).with_name(new)))
    try:
        yield f"{folder}/{new}", target
    finally:
        if fs.exists(target.new):
            fs.rm(target.new, recursive=True)


@dataclass(frozen=True)
class Target:
    """A file or folder to replace at ``path``, by what was written to ``new``."""

    fs: Any
    path: str
    new: str

    def replace(self, by: str, last: str = "") -> None:
        """Put a file or folder in the target's place: by renaming, in a bucket by copying.

        A folder on a disk is missing for a moment between two renames; :func:`recover` restores it
        if the process died there. In a bucket the old files are removed after the new ones are
        there.

        Args:
            last: the file to copy last in a bucket: it makes the new version count.
        """
        check_locks()
        if isinstance(self.fs, LocalFileSystem):
            self._rename(by)
            return
        before = set(self.fs.find(self.path))
        copies = {file: self.path + file.removeprefix(by) for file in self.fs.find(by)}
        for file in sorted(copies, key=lambda file: file == f"{by}/{last}"):
            self.fs.cp_file(file, copies[file])
        if gone := sorted(before - set(copies.values())):
            self.fs.rm(gone)

    def _rename(self, by: str) -> None:
        old = _old_name(self.path)
        if self.fs.exists(old):
            self.fs.rm(old, recursive=True)
        if self.fs.isdir(self.path):  # os.replace below is atomic for a file
            os.replace(self.path, old)
        os.replace(by, self.path)
        if self.fs.exists(old):
            self.fs.rm(old, recursive=True)


def recover(url: str, credentials: dict[str, Any]) -> None:
    """Clear up after a process that died while it replaced a target.

    A folder that was moved aside comes back if nothing has taken its place. Call this only while
    holding the store's lock: it deletes unfinished versions.
    """
    fs, path = file_system(url, credentials)
    old, name = _old_name(path), re.escape(PurePosixPath(path).name)
    try:
        beside = fs.ls(str(PurePosixPath(path).parent), detail=False)
    except FileNotFoundError:
        return
    if old in beside and path not in beside:  # only happens on a disk
        os.replace(old, path)
    for entry in beside:
        if re.fullmatch(rf"\.{name}({_NEW}|{re.escape(_OLD)})", PurePosixPath(entry).name) and (
            fs.exists(entry)
        ):
            fs.rm(entry, recursive=True)


def _old_name(path: str) -> str:
    target = PurePosixPath(path)
    return str(target.with_name(f".{target.name}{_OLD}"))
