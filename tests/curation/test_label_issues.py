"""Wrong labels come first, and scores are those of other fits."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from fruits_kedro.curation import label_issues
from fruits_kedro.curation.label_issues import find_label_issues
from fruits_kedro.curation.neighbours import find_neighbours


def issues_of(vectors, k=5):
    return find_label_issues(vectors, find_neighbours(vectors, k, 10**6, 1, 0).indices)


def test_wrong_labels_are_first(blobs):
    """5 % of the labels are another one's."""
    vectors = blobs(dict.fromkeys("abcdefgh", 50), spread=0.4)
    rows = np.random.default_rng(0).choice(400, 20, replace=False)
    true = vectors.photos["label"][rows].tolist()
    vectors.photos.loc[rows, "label"] = [chr((ord(one) - 96) % 8 + 97) for one in true]
    found = issues_of(vectors)
    wrong = vectors.photos["path"][rows].tolist()
    assert len(set(found["path"].head(20)) & set(wrong)) >= 19
    predicted = found.set_index("path")["predicted"]
    assert [predicted[path] for path in wrong] == true
    assert found["label_score"].is_monotonic_increasing
    assert (found["label_score"] < found["predicted_score"]).all()


def test_scores_are_those_of_a_fit_without_the_photo(blobs, monkeypatch):
    monkeypatch.setattr(label_issues, "_BATCH", 7)
    vectors = blobs({"a": 20, "b": 9, "c": 4, None: 6}, spread=3.0)
    photos, matrix = vectors.photos, vectors.matrix.astype(float)
    known = photos["label"].notna().to_numpy()
    scatter = np.cov(matrix[known], rowvar=False, bias=True) * known.sum()
    alpha = 0.01 * np.trace(scatter) / matrix.shape[1]
    neighbours = find_neighbours(vectors, 5, 10**6, 1, 0).indices
    found = find_label_issues(vectors, neighbours)
    assert len(found) > 3 and found["label"].notna().all()
    for row in found.itertuples():
        i = photos.index[photos["path"] == row.path][0]
        others = known & (photos.index != i)
        fitted = Ridge(alpha).fit(matrix[others], photos["label"][others] == row.label)
        expected = np.clip(fitted.predict(matrix[[i]])[0], 0, 1)
        votes = photos["label"][neighbours[i]].dropna()
        assert row.out_of_fold == pytest.approx(expected, abs=1e-6)
        assert row.neighbours_vote == pytest.approx((votes == row.label).mean())
        assert row.label_score == pytest.approx((row.out_of_fold + row.neighbours_vote) / 2)


@pytest.mark.parametrize("counts", [{"a": 9}, {None: 9}, {"a": 1}, {"a": 1, "b": 1}])
def test_where_nothing_can_be_told_there_is_no_issue(blobs, counts):
    found = issues_of(blobs(counts))
    assert found.empty and list(found) == list(label_issues.COLUMNS)


def test_photos_that_are_all_alike_have_scores(blobs):
    found = issues_of(blobs({"a": 6, "b": 2}, rows=np.ones((8, 4))))
    assert set(found["label"]) == {"b"} and found["label_score"].between(0, 1).all()
