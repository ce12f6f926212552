"""Questions to the photos of a store, answered on the driver."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.config.curation import CurationParams, SelectionParams
from fruits_kedro.curation.clusters import find_clusters
from fruits_kedro.curation.duplicates import NEAR
from fruits_kedro.curation.incremental import update
from fruits_kedro.curation.index_files import INDEXED
from fruits_kedro.curation.label_issues import METHOD, find_label_issues
from fruits_kedro.curation.neighbours import (
    Neighbours,
    calibrated_index,
    find_neighbours,
    recall_of,
)
from fruits_kedro.curation.outliers import find_outliers
from fruits_kedro.curation.photos import Photos
from fruits_kedro.curation.quality import FLAGS, flag_quality
from fruits_kedro.curation.selection import Findings, select_photos
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.curation.vectors import Vectors, read_vectors
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.features.rows import usable_rows
from fruits_kedro.images.quality import ImageQuality
from fruits_kedro.spark.progress import tracked


def load_vectors(feature_files: ParquetFiles, photos: Photos, params: CurationParams) -> Vectors:
    """The features of the usable photos, each scaled to length 1."""
    read = functools.partial(usable_rows, feature_files.batches)
    return read_vectors(read, photos, in_memory=params.exact_images)


def search_neighbours(
    vectors: Vectors, previous_neighbours: ParquetFiles | None, params: CurationParams
) -> tuple[Neighbours, pa.Table]:
    """The most similar photos of each photo; where few have changed, from those of before.

    Returns:
        As indices; and as a table: ``path, rank`` (from 1), ``neighbour`` (its path), ``cosine,
        pixels`` (a hash of the photo's).
    """

    def track(batches: Sequence[int]) -> Iterator[int]:
        return tracked("Comparing photos", batches, len(batches))

    found = _carried_over(vectors, previous_neighbours, params)
    if found is None:
        wanted = (params.neighbours, params.exact_images, params.recall, params.seed)
        found = find_neighbours(vectors, *wanted, track)
    n, k = found.indices.shape
    paths = pa.array(vectors.photos["path"], pa.string())
    columns = {
        "path": paths.take(pa.array(np.repeat(np.arange(n), k))),
        "rank": pa.array(np.tile(np.arange(1, k + 1, dtype=np.int32), n)),
        "neighbour": paths.take(pa.array(found.indices.ravel())),
        "cosine": pa.array(found.cosines.ravel()),
        "pixels": pa.array(np.repeat(vectors.photos["pixels"].to_numpy(), k)),
    }
    return found, pa.table(columns)


def _carried_over(
    vectors: Vectors, before: ParquetFiles | None, params: CurationParams
) -> Neighbours | None:
    """The neighbours by what has changed since before; None if that is much."""
    k = min(params.neighbours, len(vectors) - 1)
    if before is None or not params.incremental or k < 1:
        return None
    updated = update(vectors, before.batches, k)
    if updated is None:
        return None
    recall, sampled = recall_of(vectors, updated, params.seed)
    if recall < params.recall:
        return None
    return Neighbours(*updated, "incremental", recall, sampled)


def update_similarity_index(
    feature_files: ParquetFiles,
    photos: Photos,
    vectors: Vectors,
    similarity_index: SimilarityIndex,
    params: CurationParams,
) -> dict[str, Any]:
    """Let the index be that of the photos: in place if few have changed, else anew.

    Returns:
        ``collection, count, fingerprint`` and how it is made; and how many photos were ``added``
        and ``deleted``, null for an index that was built anew.
    """
    index, version = similarity_index, feature_files.version
    fresh, gone = _changes(index, photos)
    changes: dict[str, int | None] = {"added": None, "deleted": None}
    if len(photos) < max(params.index_images, 1):
        index.clear()
    elif index.fingerprint == photos.fingerprint and index.bears(len(fresh), len(gone)):
        table = pa.Table.from_pandas(photos.table.iloc[fresh], INDEXED, preserve_index=False)
        index.update(table, vectors.rows(fresh), gone, version)
        changes = {"added": len(fresh), "deleted": len(gone)}
    else:
        k = min(params.neighbours, len(vectors))
        cells, _, _ = calibrated_index(vectors, k, params.recall, params.seed)
        index.build(vectors, photos.fingerprint, version, cells)
    return index.describe() | changes


def _changes(index: SimilarityIndex, photos: Photos) -> tuple[NDArray[np.int64], list[str]]:
    """The rows of the photos that the index lacks, and the paths that only it has."""
    columns = ["path", "label", "split", "pixels"]
    table = photos.table[columns].reset_index()
    there = index.photos().merge(table, on=columns, how="outer", indicator=True)
    fresh = there.loc[there["_merge"] == "right_only", "index"].to_numpy(np.int64)
    gone = set(there.loc[there["_merge"] == "left_only", "path"]) - set(table["path"][fresh])
    return np.sort(fresh), sorted(gone)


def list_label_issues(vectors: Vectors, found_neighbours: Neighbours) -> pd.DataFrame:
    """Photos whose label may be wrong: see :func:`find_label_issues`."""
    return find_label_issues(vectors, found_neighbours.indices)


def list_outliers(
    vectors: Vectors, found_neighbours: Neighbours, params: CurationParams
) -> pd.DataFrame:
    """Photos that are unlike all others of their label: see :func:`find_outliers`."""
    return find_outliers(vectors.photos, found_neighbours.cosines, params.deviations)


def group_photos(vectors: Vectors, params: CurationParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clusters of the photos, and of each cluster what it holds: see :func:`find_clusters`."""
    return find_clusters(vectors, params.clusters, params.seed)


def rate_quality(photos: Photos, params: CurationParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The photos' quality, measured as they were extracted: see :func:`flag_quality`.

    Returns:
        Of all photos whose quality is known; and of those with flags.
    """
    known = photos.table[photos.table["sharpness"].notna()]
    columns = ["path", "split", "label", *ImageQuality._fields]
    table = flag_quality(known[columns], params.deviations)
    return table, table[table["flags"] != ""].reset_index(drop=True)


def collect_findings(*tables: pd.DataFrame) -> Findings:
    """The tables of what was found, in the order of their names there."""
    return Findings(*tables)


def select(
    photos: Photos, vectors: Vectors, findings: Findings, params: SelectionParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Which photos to keep, by a policy: see :func:`select_photos`.

    Returns:
        The table; and how many are ``selected``, and ``left_out`` by reason.
    """
    table = select_photos(photos, vectors, findings, params)
    left_out = _counts(table.loc[~table["selected"], "reasons"])
    return table, {"selected": int(table["selected"].sum()), "left_out": left_out}


def describe_curation(
    photos: Photos,
    found_neighbours: Neighbours,
    findings: Findings,
    cluster_summary: pd.DataFrame,
    selection_counts: dict[str, Any],
    params: CurationParams,
    selection_params: SelectionParams,
) -> dict[str, Any]:
    """Counts, and how what was found was found."""
    duplicates, quality_issues = findings.duplicates, findings.quality_issues
    flags = _counts(quality_issues["flags"])
    return {
        "photos": len(photos),
        "labels": int(photos.table["label"].nunique()),
        "fingerprint": photos.fingerprint,
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
            "near": int(duplicates.loc[duplicates["kind"] == NEAR, "group"].nunique()),
            "across_labels": int(duplicates.loc[duplicates["labels"] > 1, "group"].nunique()),
            "across_splits": int(duplicates.loc[duplicates["splits"] > 1, "group"].nunique()),
        },
        "leaks": int(findings.leaks["other_path"].nunique()),
        "outliers": len(findings.outliers),
        "label_issues": {"photos": len(findings.label_issues), "method": METHOD},
        "quality_issues": {flag: flags.get(flag, 0) for flag in FLAGS},
        "clusters": {
            "clusters": len(cluster_summary),
            "purity": _mean_purity(cluster_summary),
        },
        "selection": selection_counts,
        "parameters": params.model_dump() | {"selection": selection_params.model_dump()},
    }


def _counts(lists: pd.Series) -> dict[str, int]:
    """How often each item occurs in lists that are joined by ``, ``; the most frequent first."""
    counts = lists.str.split(", ").explode().value_counts()
    return {str(name): int(n) for name, n in counts.items()}


def _mean_purity(summary: pd.DataFrame) -> float | None:
    """The mean over the photos of labelled clusters."""
    known = summary.dropna(subset="purity")
    if known.empty:
        return None
    return float(np.average(known["purity"].astype(float), weights=known["photos"]))
