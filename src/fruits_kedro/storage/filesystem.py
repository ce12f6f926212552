"""File systems by URL. Light, because workers and ``kedro --help`` import it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import fsspec


def file_system(url: str, credentials: dict[str, Any]) -> tuple[Any, str]:
    """The file system of a URL (also ``s3a://``) and the path there; listings are not cached."""
    fs, path = fsspec.core.url_to_fs(
        url.replace("s3a://", "s3://"), use_listings_cache=False, **credentials
    )
    return fs, path.rstrip("/")


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file on a disk atomically: no other process ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
