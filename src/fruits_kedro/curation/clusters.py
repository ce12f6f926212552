"""Photos that are alike, with and without labels."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from fruits_kedro.curation.vectors import Vectors

_TIMES = 3  # k-means starts so many times; the best counts
_TRAINED, _TRAINED_A_CLUSTER = 50_000, 64  # photos that it is fitted on, at most


def find_clusters(
    vectors: Vectors, clusters: int | Literal["auto"], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clusters of the photos: faiss's spherical k-means, from centroids of k-means++.

    Args:
        clusters: how many; ``auto`` takes as many as there are labels, without labels the square
            root of half the photos. There are never more than photos that differ.
        seed: of the first centroids.

    Returns:
        Per photo ``path, split, label, cluster, cosine`` (to the centroid). Per cluster ``cluster``
        (from 1, the largest first), ``photos, label`` (the most frequent one), ``purity`` (its
        share of the labelled photos), ``typical`` (the photo nearest to the centroid).
    """
    import faiss

    photos = vectors.photos
    if clusters == "auto":
        clusters = photos["label"].nunique() or round(np.sqrt(len(photos) / 2))
    k = max(1, min(clusters, photos["pixels"].nunique()))
    plus_plus = {"init_method": faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS, "nredo": _TIMES}
    sample = vectors.rows(vectors.sample(max(_TRAINED, _TRAINED_A_CLUSTER * k), seed))
    points = {"min_points_per_centroid": 1, "max_points_per_centroid": len(sample)}  # take all
    ours = {"spherical": True, "seed": seed}
    kmeans = faiss.Kmeans(vectors.matrix.shape[1], k, **plus_plus, **points, **ours)
    kmeans.train(sample)
    nearest = [kmeans.index.search(rows, 1) for rows in vectors.batches()]
    cosine = np.concatenate([found for found, _ in nearest])[:, 0]
    members = photos[["path", "split", "label"]].assign(
        cluster=np.concatenate([found for _, found in nearest])[:, 0], cosine=cosine
    )
    typical = members.sort_values(["cosine", "path"], ascending=[False, True])
    about = typical.groupby("cluster").agg(photos=("path", "size"), typical=("path", "first"))
    about = about.sort_values(["photos", "typical"], ascending=[False, True])
    number = pd.Series(range(1, len(about) + 1), about.index)
    members["cluster"] = members["cluster"].map(number)
    labels = members.groupby("cluster")["label"].agg(_most_frequent)
    summary = about.assign(cluster=number, label=labels.str[0].reindex(number).to_numpy())
    summary["purity"] = labels.str[1].reindex(number).to_numpy()
    columns = ["cluster", "photos", "label", "purity", "typical"]
    return members, summary[columns].reset_index(drop=True)


def _most_frequent(labels: pd.Series) -> tuple[str | None, float | None]:
    counts = labels.value_counts()
    if counts.empty:
        return None, None
    return sorted(counts[counts == counts.iloc[0]].index)[0], counts.iloc[0] / counts.sum()
