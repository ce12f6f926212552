"""Columns of the image index and of the extracted features."""

import pyarrow as pa

from fruits_kedro.images.quality import ImageQuality

INDEX = ("path", "split", "label", "bytes", "modified_at", "position", "in_subset")
EXTRACTED = (
    *("path", "split", "label", "features", "error", "fingerprint"),
    *("engine", "bytes", "modified_at", "in_subset", "content_hash", "quality", "thumbnail"),
    "picture",
)
# Columns without which the rows of an earlier run cannot be used.
EARLIER = EXTRACTED[: EXTRACTED.index("in_subset")]

_KINDS = {n: "int" if n in ("width", "height") else "float" for n in ImageQuality._fields}
QUALITY = pa.struct(
    [(name, pa.int32() if kind == "int" else pa.float32()) for name, kind in _KINDS.items()]
)
# In SQL: what earlier versions did not extract.
ADDED = {
    "content_hash": "string",
    "quality": f"struct<{', '.join(f'{name}: {kind}' for name, kind in _KINDS.items())}>",
    "thumbnail": "binary",
    "picture": "binary",
}
