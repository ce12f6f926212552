"""PCA from moments, against numpy's SVD and scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.moments import Moments
from fruits_kedro.linalg.pca import fit_pca


def rows(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) @ np.diag(1 / np.arange(1, d + 1)) + 5).astype(np.float32)


def merged(matrix, cuts):
    """Moments of all rows: of each part in batches of 7, then of all parts."""
    total = Moments.none(matrix.shape[1])
    for part in np.split(matrix, cuts):
        moments = Moments.none(matrix.shape[1])
        for start in range(0, len(part), 7):
            moments.add_rows(part[start : start + 7])
        total.add(moments)
    return total


def test_merged_moments_equal_those_of_all_rows():
    matrix = rows(1000, 300) + 1e4  # a large offset, as would cancel in a sum of squares
    moments = merged(matrix, [1, 10, 500])
    exact = matrix.astype(np.float64)
    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(moments.scatter / 999, np.cov(exact.T), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(60, 200), (400, 40)])
@pytest.mark.parametrize("standardize", [False, True])
def test_equals_numpy_and_scikit_learn(n, d, standardize):
    matrix = rows(n, d)
    k = 20
    pca = fit_pca(merged(matrix, [7, n // 2]), k, standardize)
    exact = matrix.astype(np.float64)
    exact = StandardScaler(with_std=standardize).fit_transform(exact)
    variances = np.linalg.svd(exact, compute_uv=False) ** 2
    expected = np.cumsum(variances / variances.sum())[:k]
    np.testing.assert_allclose(np.cumsum(pca.variance_explained), expected, rtol=0, atol=1e-9)
    theirs = PCA(k, svd_solver="full").fit_transform(exact)
    ours = (matrix.astype(np.float64) - pca.mean) / pca.scale @ pca.components
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=0, atol=1e-6)


def test_largest_loading_of_each_component_is_positive():
    components = fit_pca(merged(rows(100, 10), [50]), 10, False).components
    assert (components[np.abs(components).argmax(axis=0), range(10)] > 0).all()
    np.testing.assert_allclose(components.T @ components, np.eye(10), atol=1e-12)


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95, 0.999999])
def test_a_share_keeps_as_many_as_scikit_learn(share):
    matrix = rows(200, 30).astype(np.float64)
    kept = len(fit_pca(merged(matrix, []), share, False).variance_explained)
    assert kept == PCA(share, svd_solver="full").fit(matrix).n_components_


def test_as_many_components_as_rows_are_allowed():
    pca = fit_pca(merged(rows(10, 50), []), 10, False)
    assert pca.components.shape == (50, 10)
    assert pca.variance_explained[-1] == pytest.approx(0, abs=1e-12)


def test_more_components_than_rows_or_features_are_refused():
    with pytest.raises(FruitsError, match="n_components=11 .* allow 10 at most"):
        fit_pca(merged(rows(10, 50), []), 11, False)
    with pytest.raises(FruitsError, match="n_components=6 .* allow 5 at most"):
        fit_pca(merged(rows(10, 5), []), 6, False)


@pytest.mark.parametrize("standardize", [False, True])
def test_rows_that_are_all_alike_are_refused(standardize):
    alike = np.full((7, 5), 0.1, np.float32)
    with pytest.raises(FruitsError, match="all alike"):
        fit_pca(merged(alike, [3]), 0.95, standardize)


def test_a_constant_feature_does_not_divide_by_zero():
    matrix = rows(50, 4)
    matrix[:, 2] = 3
    pca = fit_pca(merged(matrix, []), 3, True)
    assert pca.scale[2] == 1 and np.isfinite(pca.components).all()
