"""Many photos in a few pictures, and single ones, for pages that need no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pyarrow as pa
from PIL import Image, ImageOps

from fruits_kedro.features.rows import Read

_COLUMNS = 48  # and rows of a sheet: at 48 pixels 2304 x 2304, which every browser takes
_SIDES = ((12_000, 48), (40_000, 32))  # pixels of a photo, for at most so many photos
_SMALLEST = 24
_QUALITY = 50
_MISSING = (136, 136, 136)


class Sprites(NamedTuple):
    """Photos in a few sheets, row by row.

    Attributes:
        side: of a photo, in pixels.
        columns: photos in a row.
        sheets: ``data:`` URLs of WebP pictures, of ``columns`` rows each.
    """

    side: int
    columns: int
    sheets: list[str]


def make_sprites(pictures: Sequence[bytes | None]) -> Sprites:
    """The pictures, each cut to a square, in their order; gray where there is none."""
    side = next((side for photos, side in _SIDES if len(pictures) <= photos), _SMALLEST)
    parts = range(0, len(pictures), _COLUMNS**2)

    def make(start: int) -> str:
        return _sheet(pictures[start : start + _COLUMNS**2], side)

    with ThreadPoolExecutor() as pool:  # Pillow works without Python's lock
        return Sprites(side, _COLUMNS, list(pool.map(make, parts)))


def _sheet(pictures: Sequence[bytes | None], side: int) -> str:
    rows = -(-len(pictures) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * side, rows * side), _MISSING)
    for i, picture in enumerate(pictures):
        if picture is not None:
            photo = ImageOps.fit(Image.open(io.BytesIO(picture)), (side, side))
            sheet.paste(photo, (i % _COLUMNS * side, i // _COLUMNS * side))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=_QUALITY, method=2)
    return data_url(buffer.getvalue(), "image/webp")


def data_url(content: bytes, kind: str = "image/jpeg") -> str:
    """Content as a URL that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def read_pictures(read: Read, paths: Iterable[str]) -> dict[str, bytes]:
    """The pictures of photos by path, without those that there are none of.

    Args:
        read: batches of the columns ``path, picture``, the second of which may be missing.
    """
    wanted = pa.array(sorted(set(paths)), pa.string())
    found: dict[str, bytes] = {}
    for batch in read(["path", "picture"]):
        if "picture" in batch.schema.names:
            rows = batch.filter(pa.compute.is_in(batch.column("path"), wanted))
            rows = rows.filter(rows.column("picture").is_valid())
            found |= zip(rows.column("path").to_pylist(), rows.column("picture").to_pylist())
    return found
