"""A photo in small: to tell whether two photos show the same, and to look at."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 24
PICTURE_SIDE = 64
# It keeps most of the detail, by which a photo differs from one that was taken a moment later.
_FILTER = Image.Resampling.LANCZOS
_QUALITY = 80


def gray_thumbnail(gray: Image.Image) -> bytes:
    """``SIDE`` x ``SIDE`` gray values (0 to 255), row by row."""
    return gray.resize((SIDE, SIDE), _FILTER).tobytes()


def small_picture(image: Image.Image, seen: NDArray[np.uint8]) -> bytes:
    """A JPEG of a photo of mode ``RGB``, no side of which is longer than ``PICTURE_SIDE``.

    Args:
        image: the photo.
        seen: the photo as the backbone sees it, uint8 ``(size, size, 3)``, which stands for one
            with more pixels: reducing those takes longer.
    """
    scale = min(1.0, PICTURE_SIDE / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    is_small = max(image.size) <= len(seen)
    buffer = io.BytesIO()
    small = (image if is_small else Image.fromarray(seen)).resize(size)
    small.info.clear()  # comments and profiles may be larger than the photo
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
