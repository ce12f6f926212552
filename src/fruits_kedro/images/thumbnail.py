"""A photo in small: to tell whether two photos show the same, and to look at."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageFile

SIDE = 24
PICTURE_SIDE = 64
# It keeps most of the detail, by which a photo differs from one that was taken a moment later.
_FILTER = Image.Resampling.LANCZOS
_QUALITY = 80
_FORMATS = ("JPEG", "PNG", "WEBP")  # of broken files: no reader of which runs other programs


def gray_thumbnail(gray: Image.Image) -> bytes:
    """``SIDE`` x ``SIDE`` gray values (0 to 255), row by row."""
    return gray.resize((SIDE, SIDE), _FILTER).tobytes()


def picture_of_remains(content: bytes, max_pixels: int) -> bytes | None:
    """A small picture of what can be read of a broken file; None if nothing can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
            if image.width * image.height > max_pixels:
                return None
            size = image.size
            image.draft(None, (PICTURE_SIDE, PICTURE_SIDE))
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            return small_picture(image.convert("RGB"), size)
    except Exception:  # Pillow's plugins raise nearly any type
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def small_picture(image: Image.Image, size: tuple[int, int]) -> bytes:
    """A JPEG, no side longer than ``PICTURE_SIDE``, in the shape of the original of this size."""
    scale = min(1.0, PICTURE_SIDE / max(size))
    small = image.resize((max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    small.info.clear()  # comments and profiles may be larger than the photo
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
