"""Too many photos that cannot be used are a fault of their own."""

from __future__ import annotations

import math

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.errors import FruitsError

_WORST = 5


class FailureRateError(FruitsError):
    """A larger share of the photos was rejected than is allowed."""


def check_failure_rate(
    counts: pd.DataFrame, rejected: DataFrame, image_index: DataFrame, limit: float
) -> None:
    """Refuse to go on where too many photos were rejected.

    Args:
        counts: ``split, images, features, rejected``.
        rejected: ``path, reason`` and others.
        image_index: ``path`` and others, of all photos.
        limit: share of the photos, between 0 and 1.

    Raises:
        FailureRateError: a larger share was rejected; names the folders that have most of them.
    """
    images, failed = int(counts["images"].sum()), int(counts["rejected"].sum())
    if failed / images <= limit:
        return
    folder = F.regexp_extract("path", r"(?s)^(?:(.*)/)?[^/]*$", 1).alias("folder")
    of_folder = image_index.groupBy(folder).agg(F.count("*").alias("images"))
    reasons = F.array_join(F.array_sort(F.collect_set("reason")), ", ").alias("reasons")
    bad = rejected.groupBy(folder).agg(F.count("*").alias("rejected"), reasons)
    worst = bad.join(of_folder, "folder").orderBy(F.desc("rejected"), "folder").limit(_WORST)
    lines = [
        f"- {row.folder or '.'}: {row.rejected:,} of {row.images:,} ({row.reasons})"
        for row in worst.collect()
    ]
    raise FailureRateError(
        f"{failed:,} of {images:,} photos ({failed / images:.1%}) cannot be used, and "
        f"extraction.max_failure_rate allows {limit:.1%}. Most of them are in:\n"
        + "\n".join(lines)
        + "\nThe features of the others are written, and the reason for each in rejected_images.csv"
        " (08_reporting).\nMend the photos and run again: only these are tried again. Or allow it: "
        f"--params extraction.max_failure_rate={math.ceil(1000 * failed / images) / 1000:g}"
    )
