"""The file system of a place. Light: workers and ``kedro --help`` import it."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_FILE = re.compile(r"^file:(//)?(?=/)")  # Hadoop writes one slash


def is_url(place: str) -> bool:
    """Whether a place is a URL of anything but the local disk."""
    return bool(_URL.match(place)) and not _FILE.match(place)


def local_path(place: str) -> str:
    """The path of a place on the local disk, whether it is written as a path or as a URL."""
    return _FILE.sub("", place)


def file_system(place: str, credentials: dict[str, Any]) -> tuple[Any, str]:
    """The file system of a place as Spark knows it, and the path there; nothing is cached.

    Args:
        place: a local path, whatever its characters, or a URL that fsspec knows.
        credentials: for fsspec.
    """
    if not is_url(place):  # fsspec would read :: and the like in a path
        return LocalFileSystem(), local_path(place).rstrip("/") or "/"
    fs, path = fsspec.core.url_to_fs(
        place.replace("s3a://", "s3://"), use_listings_cache=False, **credentials
    )
    return fs, path.rstrip("/")


def remove(fs: Any, paths: list[str], recursive: bool = False) -> None:
    """Delete files, or folders with all in them, whatever characters their names have."""
    if not isinstance(fs, LocalFileSystem):  # all others take each name for a pattern
        paths = [glob.escape(path) for path in paths]
    fs.rm(paths, recursive=recursive)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file on a disk, atomically: no other process ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_file(fs: Any, path: str, content: bytes) -> None:
    """Write a file atomically: on a disk, or in a bucket, whose objects appear only complete."""
    if isinstance(fs, LocalFileSystem):
        write_atomic(Path(path), content)
    else:
        fs.pipe_file(path, content)
