"""Thumbnails for pages that need no network."""

from __future__ import annotations

import base64
import io
import json
import logging
import time
from collections.abc import Iterable

import pyarrow as pa

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.decode import decode
from fruits_kedro.images.source import ImageSource

logger = logging.getLogger(__name__)

_SECONDS = 60.0

# Plotly's hover box holds only text, so the photo is shown beside it.
_SCRIPT = """<img id="photo" alt="" style="position: fixed; display: none; pointer-events: none;
border: 3px solid #fff; box-shadow: 0 0 6px #555; width: 128px; z-index: 9">
<script>
(function () {
  const photos = %s, photo = document.getElementById("photo");
  const plot = document.getElementById("%s");
  plot.on("plotly_hover", function (found) {
    const source = photos[found.points[0].hovertext];
    if (!source) { return; }
    photo.src = source;
    photo.style.left = Math.min(found.event.clientX + 16, window.innerWidth - 150) + "px";
    photo.style.top = Math.max(found.event.clientY - 190, 4) + "px";
    photo.style.display = "block";
  });
  plot.on("plotly_unhover", function () { photo.style.display = "none"; });
})();
</script>"""


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
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def show_on_hover(photos: dict[str, str], div: str) -> str:
    """HTML that shows photos (by ``hovertext``) beside the mouse, for the figure in a div."""
    return _SCRIPT % (json.dumps(photos).replace("<", "\\u003c"), div)
