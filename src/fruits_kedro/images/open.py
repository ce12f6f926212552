"""Opens a folder of photos, or packed ones."""

from __future__ import annotations

from typing import Any

from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.packed import PackedImages
from fruits_kedro.images.source import PACKED_SUFFIX, ImageSource


def open_images(root: str, storage_options: dict[str, Any] | None = None) -> ImageSource:
    """The photos below a root; nothing is listed or read yet.

    Args:
        root: a folder of photos, or packed ones if its name ends in ``.parquet``; a path or a URL
            that fsspec knows.
        storage_options: for fsspec.
    """
    kind = PackedImages if root.rstrip("/").endswith(PACKED_SUFFIX) else ImageFolder
    return kind(root, storage_options or {})
