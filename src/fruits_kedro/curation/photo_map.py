"""A map of the photos: those that look alike lie side by side."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.features.rows import Read

_NEIGHBOURS = 10
TSNE_PHOTOS = 20_000  # beyond, the others are placed by their neighbours among these
_MANY = 5000  # photos, for which several threads are worth it
_PERPLEXITY = 30.0
_ITERATIONS = 350  # with steps of photos / 12, and far photos summed up more: half the time
_ANGLE = 0.8
_VERSION = "1"  # of the method: a map by another one is not kept

Scores = NDArray[np.float32]


class Placed(NamedTuple):
    """Where photos lie, and their neighbours.

    Attributes:
        positions: ``(photos, 2)``, float32.
        neighbours: ``(photos, k)``, int64: the nearest by Euclidean distance of the scores, the
            nearest first; of many photos, among those that t-SNE has placed.
        distances: ``(photos, k)``, float32.
    """

    positions: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    distances: NDArray[np.float32]


def balanced_sample(paths: pd.Series, labels: pd.Series, total: int) -> NDArray[np.int64]:
    """At most so many photos, as many of each label as there are; the same for the same paths.

    Returns:
        Rows in the order of their choice: the first of them are a balanced sample, too.
    """
    drawn = pd.DataFrame({"label": labels.fillna(""), "hash": pd.util.hash_array(paths.to_numpy())})
    drawn = drawn.assign(path=paths.to_numpy()).sort_values(["hash", "path"])
    turn = drawn.groupby("label", sort=False).cumcount()
    return turn.sort_values(kind="stable").index.to_numpy()[:total]


def place_photos(scores: Scores, seed: int) -> Placed:
    """A map by t-SNE (van der Maaten & Hinton, 2008, "Visualizing data using t-SNE").

    It starts from the first two components, so that like scores give like maps. Of more than
    20,000 photos, t-SNE places the first 20,000. Each other one lies between its neighbours among
    these.

    Args:
        scores: ``(photos, components)``, from a PCA.
    """
    from sklearn.neighbors import NearestNeighbors

    base = scores[:TSNE_PHOTOS]
    n = len(base)
    k = min(_NEIGHBOURS, n - 1)
    if k < 1:
        return Placed(_first_two(scores), np.empty((n, 0), np.int64), np.empty((n, 0), np.float32))
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(base)
    distances, neighbours = search.kneighbors()
    positions = _tsne(base, seed)
    if len(scores) > n:
        others = search.kneighbors(scores[n:])
        positions = np.concatenate([positions, _between(positions, *others)])
        distances = np.concatenate([distances, others[0]])
        neighbours = np.concatenate([neighbours, others[1]])
    return Placed(positions, neighbours, distances.astype(np.float32))


def _first_two(scores: Scores) -> NDArray[np.float32]:
    two = np.zeros((len(scores), 2), np.float32)
    two[:, : scores.shape[1]] = scores[:, :2]
    return two


def _tsne(scores: Scores, seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = _first_two(scores)
    start *= 1e-4 / max(float(start[:, 0].std()), 1e-12)  # what scikit-learn starts from
    noise = np.random.default_rng(seed).standard_normal(start.shape)  # for photos that are equal
    tsne = TSNE(
        perplexity=min(_PERPLEXITY, (len(scores) - 1) / 3),
        init=(start + 1e-7 * noise).astype(np.float32),
        learning_rate=max(len(scores) / 12, 50.0),
        max_iter=_ITERATIONS,
        angle=_ANGLE,
        random_state=seed,
    )
    # The threads wait for each other in each of many short steps: beside other work, for long.
    with threadpool_limits(1 if len(scores) < _MANY else None):
        return tsne.fit_transform(scores).astype(np.float32)


def _between(
    positions: NDArray[np.float32], distances: NDArray[np.float64], neighbours: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The mean of the neighbours' positions; a nearer one counts more."""
    weights = 1 / np.maximum(distances, 1e-6) ** 4
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, positions[neighbours]).astype(np.float32)


def ordered_by_path(paths: pd.Series, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that t-SNE places by path, then the others: t-SNE is faster on ordered photos."""
    first, others = chosen[:TSNE_PHOTOS], chosen[TSNE_PHOTOS:]
    parts = [part[np.argsort(paths.to_numpy()[part])] for part in (first, others)]
    return np.concatenate(parts)


def read_rows(read: Read, column: str, rows: NDArray[np.int64]) -> Scores:
    """A column of vectors, of some rows in their order.

    Args:
        read: batches of columns.
    """
    order = np.argsort(rows)
    wanted, parts, start = rows[order], [], 0
    for batch in read([column]):
        low, high = np.searchsorted(wanted, [start, start + batch.num_rows])
        some = batch.column(column).take(pa.array(wanted[low:high] - start))
        parts.append(some.flatten().to_numpy().reshape(len(some), -1))
        start += batch.num_rows
    found = np.concatenate([part for part in parts if len(part)])
    return found[np.argsort(order)]


def version_of(
    scores: Scores, photos: pd.DataFrame, pictures: dict[str, bytes], seed: int
) -> bytes:
    """The same for maps of the same photos by the same method."""
    digest = hashlib.sha256(f"{_VERSION} {seed} {scores.shape}".encode())
    digest.update(photos.to_csv(index=False).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(scores).data)
    for path in photos["path"]:
        digest.update(pictures.get(path, b""))
    return digest.hexdigest().encode()


def map_table(photos: pd.DataFrame, placed: Placed, pictures: dict[str, bytes]) -> pa.Table:
    """The map in the columns of Apple's embedding-atlas.

    Args:
        photos: ``path, split, label``.
        pictures: JPEGs by path.
    """
    n, k = placed.neighbours.shape
    offsets = pa.array(np.arange(0, n * k + 1, k) if k else np.zeros(n + 1), pa.int32())
    ids = pa.ListArray.from_arrays(offsets, pa.array(placed.neighbours.ravel()))
    distances = pa.ListArray.from_arrays(offsets, pa.array(placed.distances.ravel()))
    paths = pa.array(photos["path"], pa.string())
    images = pa.array([pictures.get(path) for path in photos["path"]], pa.binary())
    return pa.table(
        {
            "path": paths,
            "split": pa.array(photos["split"], pa.string()),
            "label": pa.array(photos["label"], pa.string()),
            "x": placed.positions[:, 0],
            "y": placed.positions[:, 1],
            "neighbors": pa.StructArray.from_arrays([ids, distances], ["ids", "distances"]),
            "image": pa.StructArray.from_arrays([images, paths], ["bytes", "path"]),
        }
    )


class Examples(NamedTuple):
    """Photos that show what labels and components are; paths.

    Attributes:
        typical: by label, those nearest to the mean of the label's scores, the nearest first.
        odd: by label, those furthest from it, the furthest first.
        ends: of each of the first components, those with the lowest scores, the lowest first; and
            those with the highest, the highest first.
    """

    typical: dict[str, list[str]]
    odd: dict[str, list[str]]
    ends: list[tuple[list[str], list[str]]]


def find_examples(
    scores: Scores, paths: pd.Series, labels: pd.Series, each: int, components: int
) -> Examples:
    """Examples of each label and of the first components: at most ``each`` of a kind."""
    names = paths.to_numpy()
    typical, odd = dict[str, list[str]](), dict[str, list[str]]()
    for label, rows in labels.groupby(labels, sort=True).indices.items():
        away = np.linalg.norm(scores[rows] - scores[rows].mean(axis=0), axis=1)
        order = names[rows[np.lexsort((names[rows], away))]].tolist()
        typical[str(label)] = order[:each]
        odd[str(label)] = order[: each - 1 : -1][:each]
    ends, few = [], min(each, len(names) // 2)
    for values in scores.T[:components]:
        order = names[np.lexsort((names, values))].tolist()
        ends.append((order[:few], order[::-1][:few]))
    return Examples(typical, odd, ends)
