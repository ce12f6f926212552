"""Clusters are those of the points, with and without labels."""

import numpy as np
import pytest

from fruits_kedro.curation.clusters import find_clusters


def test_points_around_a_centre_are_a_cluster(blobs):
    vectors = blobs({"a": 40, "b": 30, "c": 20})
    members, summary = find_clusters(vectors, "auto", seed=0)
    assert list(members["path"]) == list(vectors.photos["path"])
    assert members.groupby("cluster")["label"].nunique().eq(1).all()
    rows = list(summary.drop(columns="typical").itertuples(index=False, name=None))
    assert rows == [(1, 40, "a", 1.0), (2, 30, "b", 1.0), (3, 20, "c", 1.0)]
    of_a = vectors.matrix[:40]
    centre = of_a.sum(axis=0) / np.linalg.norm(of_a.sum(axis=0))
    assert summary["typical"][0] == vectors.photos["path"][(of_a @ centre).argmax()]
    assert members["cosine"].to_numpy()[:40] == pytest.approx(of_a @ centre, abs=1e-5)
    again, _ = find_clusters(vectors, 3, seed=0)
    assert again.equals(members)


def test_without_labels_the_number_of_photos_says_how_many(blobs):
    members, summary = find_clusters(blobs({None: 50}, spread=1.0), "auto", seed=0)
    assert len(summary) == 5 and summary["photos"].sum() == 50
    assert summary["label"].isna().all() and summary["purity"].isna().all()
    assert members["label"].isna().all()


def test_a_mixed_cluster_says_how_mixed_it_is(blobs):
    vectors = blobs({"a": 6, "b": 2, None: 4}, rows=np.ones((12, 8)))
    _, summary = find_clusters(vectors, 5, seed=0)
    assert summary.to_dict("records") == [
        {"cluster": 1, "photos": 12, "label": "a", "purity": 0.75}
        | {"typical": vectors.photos["path"].min()}
    ]
    _, one = find_clusters(blobs({"a": 1}), 3, seed=0)
    assert one[["cluster", "photos"]].to_numpy().tolist() == [[1, 1]]
