"""A photo in small, to tell whether two photos show the same."""

from PIL import Image

SIDE = 24
# It keeps most of the detail, by which a photo differs from one that was taken a moment later.
_FILTER = Image.Resampling.LANCZOS


def gray_thumbnail(gray: Image.Image) -> bytes:
    """``SIDE`` x ``SIDE`` gray values (0 to 255), row by row."""
    return gray.resize((SIDE, SIDE), _FILTER).tobytes()
