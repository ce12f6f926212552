"""A photo's bytes to the RGB array that a backbone takes, or the reason why not.

``docs/images.md`` has a table of how each kind of image becomes RGB.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import EpsImagePlugin, Image, ImageOps, UnidentifiedImageError

from fruits_kedro.errors import ImageError
from fruits_kedro.images.formats import register_heif

EpsImagePlugin.gs_binary = False  # a file that says it is EPS would start Ghostscript

MAX_PIXELS = 89_478_485  # where Pillow itself suspects a decompression bomb

_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_TO_RGB = ("1", "L", "P", "CMYK", "YCbCr", "RGBX")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_METADATA = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_UINT16 = ("I;16", "I;16L", "I;16B", "I;16N")
# Pillow decodes in blocks of this size; a time limit takes effect between them.
_JPEG_BYTES = 65_536
_FULL_SIZE = "full_size"  # in the notes that Pillow keeps with an image


def decode(
    content: bytes, max_pixels: int = MAX_PIXELS, at_least: int | None = None
) -> Image.Image:
    """An upright image of mode ``RGB``.

    Args:
        content: the file's bytes, in any format that Pillow reads.
        max_pixels: width times height, at most.
        at_least: lets the decoder shrink a JPEG of more than 64 kB, but not below this square (see
            :func:`full_size`); None keeps the photo's size.

    Raises:
        ImageError: stage ``decode``; reason ``empty``, ``not_an_image``, ``truncated``,
            ``too_many_pixels``, ``unsupported_mode`` or ``damaged``.
    """
    if not content:
        raise ImageError("decode", "empty", "the file has no bytes")
    if (image := _decode_plain_jpeg(content, max_pixels)) is not None:
        return image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _open(content)
            if image.width * image.height > max_pixels:
                size = f"{image.width} x {image.height}, and {max_pixels} are allowed"
                raise ImageError("decode", "too_many_pixels", size)
            full = image.size
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            image.load()
            before = image.size
            with suppress(Exception):  # a damaged EXIF block does not make the pixels unusable
                ImageOps.exif_transpose(image, in_place=True)
            upright = _to_rgb(image)
            if at_least is not None:
                upright.info[_FULL_SIZE] = full if image.size == before else full[::-1]
            return upright
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("decode", "not_an_image", "no format that Pillow knows") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("decode", "too_many_pixels", error) from None
    except Exception as error:  # Pillow's plugins raise nearly any type
        reason = "truncated" if "truncated" in str(error).lower() else "damaged"
        raise ImageError("decode", reason, error or type(error).__name__) from None


def full_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of an upright photo, before the decoder shrank it."""
    size: tuple[int, int] = image.info.get(_FULL_SIZE, image.size)
    return size


def _open(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except Exception:
        # Text or a profile that is broken or too large costs no viewer the photo.
        plain = without_png_metadata(content)
        is_heif = content[4:8] == b"ftyp" and register_heif()
        if plain is None and not is_heif:
            raise
        return Image.open(io.BytesIO(plain or content))


def without_png_metadata(content: bytes) -> bytes | None:
    """A PNG without its text and colour profile; None for any other file.

    Chunks as in https://www.w3.org/TR/png-3/#5Chunk-layout: length, type, data, CRC.
    """
    if not content.startswith(_PNG):
        return None
    kept, at = [_PNG], len(_PNG)
    while at + 8 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] not in _PNG_METADATA:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def resize(image: Image.Image, size: int, by: str = "bicubic") -> NDArray[np.uint8]:
    """An RGB image as a uint8 array ``(size, size, 3)``, by one of Pillow's filters.

    Raises:
        ImageError: stage ``resize``.
    """
    try:
        return np.asarray(image.resize((size, size), Image.Resampling[by.upper()]))
    except Exception as error:
        raise ImageError("resize", "damaged", error) from None


def _decode_plain_jpeg(content: bytes, max_pixels: int) -> Image.Image | None:
    """A small JPEG decoded by libjpeg-turbo alone; None leaves it to Pillow.

    Pillow uses the same library and gives the same pixels, but its overhead exceeds the decoding of
    100 x 100 pixels. Pillow gets all that is not plain: metadata that may turn the photo, other
    colour spaces, files with warnings.
    """
    if len(content) > _JPEG_BYTES or not content.startswith(b"\xff\xd8\xff"):
        return None
    if b"Exif" in content or b"Orientation" in content:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in ("YCbCr", "Gray") or width * height > min(max_pixels, MAX_PIXELS):
            return None
        pixels = simplejpeg.decode_jpeg(content, "RGB")
    except ValueError:
        return None
    return Image.frombuffer("RGB", (width, height), pixels, "raw", "RGB", 0, 1)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _UINT16:
        # As Pillow itself reads 16-bit colour PNGs.
        high_byte = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(high_byte).convert("RGB")
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")  # the background of Fruits-360
        return Image.alpha_composite(white, rgba).convert("RGB")
    if image.mode in _TO_RGB:
        return image.convert("RGB")
    raise ImageError("decode", "unsupported_mode", f"Pillow mode {image.mode}")
