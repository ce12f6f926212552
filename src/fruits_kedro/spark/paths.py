"""Places as Spark wants them."""

from __future__ import annotations

import re

from fruits_kedro.storage.filesystem import is_url, local_path


def spark_url(place: str) -> str:
    """The URL of a place: of a local one, too, whatever file system the cluster's default is."""
    if is_url(place):
        return place.replace("s3://", "s3a://")
    return f"file://{local_path(place)}"


def spark_pattern(url: str) -> str:
    """A pattern that matches this URL alone: Spark's readers take each path for a pattern."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", url)


def model_pattern(url: str) -> str:
    """As :func:`spark_pattern`, for a model: its reader takes a comma for the end of a path."""
    return spark_pattern(url).replace(",", r"{\,}")
