"""Photos that are there more than once, found on the driver."""

from __future__ import annotations

import functools
import logging

import pandas as pd
from pyspark.sql import DataFrame

from fruits_kedro.config.curation import CurationParams
from fruits_kedro.curation.duplicates import find_duplicates, find_leaks
from fruits_kedro.curation.photos import Photos, read_photos
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.features.rows import usable_rows

logger = logging.getLogger(__name__)


def load_photos(feature_files: ParquetFiles, extracted_features: DataFrame) -> Photos:
    """The usable photos, without their features.

    Args:
        extracted_features: the same rows; the files are theirs, and are complete once they are.
    """
    photos = read_photos(functools.partial(usable_rows, feature_files.batches))
    if unknown := int((~photos.known).sum()):
        logger.warning(
            "An earlier version extracted %d photos: their quality is not known, nor whether they "
            "are near duplicates. 'kedro run --params extraction.incremental=false' extracts all "
            "again.",
            unknown,
        )
    return photos


def group_duplicates(photos: Photos, params: CurationParams) -> pd.DataFrame:
    """Groups of photos that are the same, or nearly: see :func:`find_duplicates`."""
    return find_duplicates(photos, params.near)


def list_leaks(photos: Photos, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Photos of Test and Validation that Training has: see :func:`find_leaks`."""
    return find_leaks(photos, duplicates)
