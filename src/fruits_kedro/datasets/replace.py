"""Write beside the target first, then put it in the target's place."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem


def file_system(url: str, credentials: dict[str, Any]) -> tuple[Any, str]:
    """The file system of a URL as Spark knows it, and the path there; nothing is cached."""
    fs, path = fsspec.core.url_to_fs(
        url.replace("s3a://", "s3://"), use_listings_cache=False, **credentials
    )
    return fs, path


@contextmanager
def written_beside(url: str, credentials: dict[str, Any]) -> Iterator[tuple[str, Target]]:
    """Give a new name beside a target to write to; what is left there afterwards is removed.

    The name is new each time: some object stores go on listing a folder that was emptied.

    Args:
        url: of the target, as Spark knows it.
        credentials: for fsspec.

    Yields:
        The URL to write to, and the target.
    """
    suffix = f".{uuid.uuid4().hex[:8]}"
    fs, path = file_system(url, credentials)
    target = Target(fs, path, path + suffix)
    try:
        yield url + suffix, target
    finally:
        if fs.exists(target.new):
            fs.rm(target.new, recursive=True)


@dataclass(frozen=True)
class Target:
    """What is to be replaced.

    Attributes:
        fs: the file system.
        path: of the target.
        new: the path that was written to.
    """

    fs: Any
    path: str
    new: str

    def replace(self, by: str) -> None:
        """Put a file or folder in the target's place: by renaming, in a bucket by copying."""
        if self.fs.isdir(self.path):  # a file is replaced at once
            self.fs.rm(self.path, recursive=True)
        if isinstance(self.fs, LocalFileSystem):
            self.fs.mv(by, self.path, recursive=True)
            return
        for file in self.fs.find(by):
            self.fs.cp_file(file, self.path + file.removeprefix(by))
