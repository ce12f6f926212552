"""Thumbnails for pages that need no network."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterable

import pyarrow as pa

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.decode import decode
from fruits_kedro.images.source import ImageSource
from fruits_kedro.reports.html.sprites import data_url

logger = logging.getLogger(__name__)

_SECONDS = 60.0


def thumbnails(
    raw_images: ImageSource, paths: Iterable[str], side: int, seconds: float = _SECONDS
) -> dict[str, str]:
    """Small JPEGs of photos as ``data:`` URLs, by path.

    Photos that changed, are gone, cannot be read or come too late are left out; the log says how
    many.

    Args:
        paths: of photos, the most important first.
        side: of the square that each fits in, in pixels.
        seconds: after which no more photos are read.
    """
    found: dict[str, str] = {}
    wanted, started, why = list(dict.fromkeys(paths)), time.monotonic(), "changed or gone"
    try:
        for path, content in zip(wanted, raw_images.read_all(wanted)):
            if isinstance(content, bytes) and (url := thumbnail(content, side)):
                found[path] = url
            if time.monotonic() - started > seconds:
                why = f"no time within {seconds:g} s"
                break
    except (FruitsError, OSError, pa.ArrowException) as error:  # no reason to fail a run
        why = str(error)
    if len(found) < len(wanted):
        logger.warning(
            "%d of %d photos are not shown: %s", len(wanted) - len(found), len(wanted), why
        )
    return found


def thumbnail(content: bytes, side: int) -> str | None:
    """A small JPEG of a photo as a ``data:`` URL; None if it cannot be decoded."""
    try:
        image = decode(content, at_least=side)
    except ImageError:
        return None
    image.thumbnail((side, side))
    image.info.clear()  # comments and profiles may be larger than the photo
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return data_url(buffer.getvalue())
