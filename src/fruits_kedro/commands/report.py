"""The report of a store, in a browser."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from kedro.io import DataCatalog

from fruits_kedro.storage.s3 import is_s3


def open_report(catalog: DataCatalog) -> str:
    """Open the report in the browser; says where it is. One in a bucket is copied first."""
    dataset: Any = catalog["report"]
    place = dataset.location
    if is_s3(place):
        copy = Path(tempfile.mkdtemp(prefix="fruits-kedro-"), "report.html")
        copy.write_text(catalog.load("report"), encoding="utf-8")
        place = str(copy)
    opened = webbrowser.open(Path(place).absolute().as_uri())
    return f"{place} is open in the browser." if opened else f"No browser was found: open {place}."
