"""The file system of a URL. Light: workers and ``kedro --help`` import it."""

from __future__ import annotations

from typing import Any

import fsspec


def file_system(url: str, credentials: dict[str, Any]) -> tuple[Any, str]:
    """The file system of a URL as Spark knows it, and the path there; nothing is cached.

    Args:
        url: a local path, or a URL that fsspec knows.
        credentials: for fsspec.
    """
    fs, path = fsspec.core.url_to_fs(
        url.replace("s3a://", "s3://"), use_listings_cache=False, **credentials
    )
    return fs, path.rstrip("/")
