"""The kind of source that a root of photos is."""

from __future__ import annotations

from typing import Any

from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.packed import PackedImages
from fruits_kedro.images.source import PACKED_SUFFIX, ImageSource


def open_images(root: str, storage_options: dict[str, Any] | None = None) -> ImageSource:
    """The photos below a root; nothing is read yet.

    Args:
        root: a folder of photos or, if its name ends in ``.parquet``, packed ones; a local path
            or a URL that fsspec knows.
        storage_options: for fsspec.
    """
    kind = PackedImages if root.rstrip("/").endswith(PACKED_SUFFIX) else ImageFolder
    return kind(root, storage_options or {})
