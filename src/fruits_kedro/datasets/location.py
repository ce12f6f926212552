"""Where a dataset of the catalog lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def location(dataset: Any) -> str | None:
    """The path or URL of a dataset's file or folder; None: it is in memory."""
    inner = getattr(dataset, "_dataset", dataset)  # what a CachedDataset holds
    description = inner._describe()
    if "filepath" not in description:
        return None
    place, protocol = str(description["filepath"]), getattr(inner, "_protocol", "file")
    if "://" not in place and protocol not in ("file", ""):
        place = f"{protocol}://{place}"
    return place.removeprefix("file://").replace("s3a://", "s3://")


def short(place: str) -> str:
    """A path below the working folder as it is seen from there; any other place as it is."""
    return os.path.relpath(place) if Path(place).is_relative_to(Path.cwd()) else place
