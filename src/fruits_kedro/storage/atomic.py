"""Atomic writes: write a new version beside the target, then replace it."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from fruits_kedro.storage.filesystem import remove
from fruits_kedro.storage.lock import check_locks

# Names of the new and the previous version beside a target, hidden from Spark and pandas.
_NEW = r"\.[0-9a-f]{8}\.new"
_OLD = ".old"


@dataclass
class NewVersion:
    """A file or a folder that is written beside the one that it is to replace.

    Attributes:
        path: of what it replaces.
        new: where it is written, by a name that no other version has: some object stores still
            list a folder that was emptied.
        part: the file below ``new`` that is the new version of a file; empty if ``new`` is it.
        last: how the file of a folder begins that is copied last in a bucket: it makes the new
            version count.
    """

    fs: Any
    path: str
    new: str
    part: str = ""
    last: str = ""

    def url(self, target: str) -> str:
        """The URL of the new version, given that of what it replaces."""
        folder = target.rstrip("/").rpartition("/")[0]
        return (
            f"{folder}/{PurePosixPath(self._source).relative_to(PurePosixPath(self.path).parent)}"
        )

    @property
    def _source(self) -> str:
        return self.part or self.new

    @property
    def replaces(self) -> bool:
        """Whether there is something to replace."""
        return bool(self.fs.exists(self.path))

    def replace(self) -> None:
        """Put the new version in its place: by renaming, in a bucket by copying.

        A folder on a disk is missing for a moment between two renames; :func:`recover` restores it
        if the process died there. In a bucket the old files are removed after the new ones are
        there.
        """
        check_locks()
        if isinstance(self.fs, LocalFileSystem):
            _rename(self.fs, self._source, self.path)
        elif self.last:
            self._copy_folder()
        else:
            self.fs.cp_file(self._source, self.path)
        if self.part or not isinstance(self.fs, LocalFileSystem):
            remove(self.fs, [self.new], recursive=bool(self.part or self.last))

    def _copy_folder(self) -> None:
        before = set(self.fs.find(self.path))
        files = [file for file in self.fs.find(self.new) if file[-1] != "/"]  # some mark folders
        copies = {file: self.path + file.removeprefix(self.new) for file in files}
        last = f"{self.new}/{self.last}"
        for file in sorted(copies, key=lambda file: file.startswith(last)):
            self.fs.cp_file(file, copies[file])
        if gone := sorted(before - set(copies.values())):
            remove(self.fs, gone)

    def discard(self) -> None:
        """Remove the new version, or what was written of it."""
        if self.fs.exists(self.new):
            remove(self.fs, [self.new], recursive=True)


def new_version(fs: Any, path: str, last: str = "") -> NewVersion:
    """A new version of a file, or of a folder: nothing is written yet."""
    target = PurePosixPath(path)
    new = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
    return NewVersion(fs, path, str(new), last=last)


def _rename(fs: Any, new: str, path: str) -> None:
    old = _old_name(path)
    if fs.exists(old):
        fs.rm(old, recursive=True)
    if fs.isdir(path):  # os.replace below is atomic for a file
        os.replace(path, old)
    os.replace(new, path)
    if fs.exists(old):
        fs.rm(old, recursive=True)


def recover(fs: Any, path: str) -> None:
    """Clear up after a process that died while it replaced a target.

    A folder that was moved aside comes back if nothing has taken its place. Call this only while
    holding the store's lock: it deletes unfinished versions.
    """
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
            remove(fs, [entry], recursive=True)


def _old_name(path: str) -> str:
    target = PurePosixPath(path)
    return str(target.with_name(f".{target.name}{_OLD}"))
