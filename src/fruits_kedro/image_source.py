"""Where photos come from: a folder of them, or what was packed of one."""

from __future__ import annotations

from typing import Any

from fruits_kedro.image_folder import ImageFolder
from fruits_kedro.packed_images import SUFFIX, PackedImages

ImageSource = ImageFolder | PackedImages


def open_images(root: str, storage_options: dict[str, Any] | None = None) -> ImageSource:
    """The photos below a root; nothing is read yet.

    Args:
        root: a folder of photos or, if its name ends in ``.parquet``, packed ones; a local path
            or a URL that fsspec knows.
        storage_options: for fsspec.
    """
    kind = PackedImages if root.rstrip("/").endswith(SUFFIX) else ImageFolder
    return kind(root, storage_options or {})
