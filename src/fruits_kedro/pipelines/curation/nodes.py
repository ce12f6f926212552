"""Questions to the photos of a store, answered on the driver."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from fruits_kedro.config.curation import CurationParams
from fruits_kedro.curation.clusters import find_clusters
from fruits_kedro.curation.duplicates import find_duplicates, find_leaks
from fruits_kedro.curation.neighbours import Neighbours, find_neighbours
from fruits_kedro.curation.outliers import find_outliers
from fruits_kedro.curation.quality import FLAGS, flag_quality
from fruits_kedro.curation.vectors import Vectors, read_vectors, usable_rows
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.images.quality import ImageQuality
from fruits_kedro.spark.progress import tracked

logger = logging.getLogger(__name__)


def load_vectors(
    feature_files: ParquetFiles, extracted_features: DataFrame, params: CurationParams
) -> Vectors:
    """The features of the usable photos, each scaled to length 1.

    Args:
        extracted_features: the same rows; the files are theirs, and are complete once they are.
    """
    read = functools.partial(usable_rows, feature_files.batches)
    return read_vectors(read, in_memory=params.exact_images)


def search_neighbours(vectors: Vectors, params: CurationParams) -> tuple[Neighbours, pa.Table]:
    """The most similar photos of each photo.

    Returns:
        As indices; and as a table: ``path, rank`` (from 1), ``neighbour`` (its path), ``cosine``.
    """

    def track(batches: Sequence[int]) -> Iterator[int]:
        return tracked("Comparing photos", batches, len(batches))

    wanted = (params.neighbours, params.exact_images, params.recall, params.seed)
    found = find_neighbours(vectors, *wanted, track)
    n, k = found.indices.shape
    paths = pa.array(vectors.photos["path"], pa.string())
    columns = {
        "path": paths.take(pa.array(np.repeat(np.arange(n), k))),
        "rank": pa.array(np.tile(np.arange(1, k + 1, dtype=np.int32), n)),
        "neighbour": paths.take(pa.array(found.indices.ravel())),
        "cosine": pa.array(found.cosines.ravel()),
    }
    return found, pa.table(columns)


def group_duplicates(vectors: Vectors) -> pd.DataFrame:
    """Groups of photos with the same pixels: see :func:`find_duplicates`."""
    return find_duplicates(vectors.photos)


def list_leaks(duplicates: pd.DataFrame) -> pd.DataFrame:
    """Photos of Test and Validation that Training has: see :func:`find_leaks`."""
    return find_leaks(duplicates)


def list_outliers(
    vectors: Vectors, found_neighbours: Neighbours, params: CurationParams
) -> pd.DataFrame:
    """Photos that are unlike all others of their label: see :func:`find_outliers`."""
    return find_outliers(vectors.photos, found_neighbours.cosines, params.deviations)


def group_photos(vectors: Vectors, params: CurationParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clusters of the photos, and of each cluster what it holds: see :func:`find_clusters`."""
    return find_clusters(vectors, params.clusters, params.seed)


def measure_quality(vectors: Vectors, params: CurationParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The photos' quality, measured as they were extracted: see :func:`flag_quality`.

    Returns:
        Of all photos whose quality is known; and of those with flags.
    """
    photos = vectors.photos[vectors.photos["sharpness"].notna()]
    if len(photos) < len(vectors):
        logger.warning(
            "An earlier version extracted %d photos, and did not measure their quality: 'kedro "
            "run --params extraction.incremental=false' extracts all again.",
            len(vectors) - len(photos),
        )
    columns = ["path", "split", "label", *ImageQuality._fields]
    table = flag_quality(photos[columns], params.deviations)
    return table, table[table["flags"] != ""].reset_index(drop=True)


def describe_curation(
    vectors: Vectors,
    found_neighbours: Neighbours,
    duplicates: pd.DataFrame,
    leaks: pd.DataFrame,
    outliers: pd.DataFrame,
    cluster_summary: pd.DataFrame,
    quality_issues: pd.DataFrame,
    params: CurationParams,
) -> dict[str, Any]:
    """Counts, and how the neighbours were found."""
    photos = vectors.photos
    flags = quality_issues["flags"].str.split(", ").explode().value_counts()
    return {
        "photos": len(vectors),
        "labels": int(photos["label"].nunique()),
        "fingerprint": vectors.fingerprint,
        "neighbours": {
            "k": int(found_neighbours.indices.shape[1]),
            "method": found_neighbours.method,
            "recall": found_neighbours.recall,
            "sampled": found_neighbours.sampled,
            "probes": found_neighbours.probes,
        },
        "duplicates": {
            "groups": int(duplicates["group"].nunique()),
            "photos": len(duplicates),
            "across_labels": int(duplicates.loc[duplicates["labels"] > 1, "group"].nunique()),
            "across_splits": int(duplicates.loc[duplicates["splits"] > 1, "group"].nunique()),
        },
        "leaks": int(leaks["other_path"].nunique()),
        "outliers": len(outliers),
        "quality_issues": {flag: int(flags.get(flag, 0)) for flag in FLAGS},
        "clusters": {
            "clusters": len(cluster_summary),
            "purity": _mean_purity(cluster_summary),
        },
        "parameters": params.model_dump(),
    }


def _mean_purity(summary: pd.DataFrame) -> float | None:
    """The mean over the photos of labelled clusters."""
    known = summary.dropna(subset="purity")
    if known.empty:
        return None
    return float(np.average(known["purity"].astype(float), weights=known["photos"]))
