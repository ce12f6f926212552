"""The image formats that count as photos."""

from __future__ import annotations

import functools
import logging

logger = logging.getLogger(__name__)

_EXTENSIONS = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff"),
    ".webp",
)
_HEIF = (".heic", ".heif")


def extensions() -> tuple[str, ...]:
    """Extensions of photos, in lower case; those of HEIC where it can be decoded."""
    return (*_EXTENSIONS, *_HEIF) if register_heif() else _EXTENSIONS


@functools.cache
def register_heif() -> bool:
    """Teach Pillow HEIC, if the package pillow-heif is installed; whether it is."""
    try:
        import pillow_heif
    except ImportError as error:
        if error.name != "pillow_heif":  # it is there, and damaged
            logger.warning("HEIC photos are left out: pillow-heif cannot be loaded: %s", error)
        return False
    pillow_heif.register_heif_opener()
    return True
