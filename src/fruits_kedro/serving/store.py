"""What the service needs of a store, in memory: and whether the store has changed."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fruits_kedro.backbones import Backbone, FeatureModel
from fruits_kedro.backbones.backbone_file import FORMERLY, from_bytes
from fruits_kedro.curation.file_matrix import FileMatrix
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.rows import feature_rows, normalised, usable_rows
from fruits_kedro.linalg.pca import Pca
from fruits_kedro.serving.spark_files import (
    Classifier,
    Folder,
    Linear,
    read_classifier,
    read_pca,
)
from fruits_kedro.storage.filesystem import file_system
from fruits_kedro.storage.manifest import MARK, manifest_files, read_manifest

_BACKBONES = ("06_models/model.backbone", f"06_models/{FORMERLY}")
_INFO = "06_models/classifier_info.json"
_FEATURES = "04_feature/extracted_features"
# Each is written last of its dataset: as long as they stay, so does the store.
_MARKS = (
    *(_INFO, "06_models/pca_model/metadata", "06_models/classifiers/names.json"),
    f"{_FEATURES}/{MARK}",
)
_ROWS = 1024
_SHOWN = pa.schema([("path", pa.string()), ("label", pa.string()), ("picture", pa.binary())])
_AXES, _CANDIDATES = 128, 50


@dataclass(frozen=True)
class Photos:
    """The photos of a store.

    Attributes:
        vectors: their features, each of length 1, in a file.
        axes: ``(features, m)``: the first principal components.
        scores: ``(photos, m)``, float32: the vectors along the axes, by which candidates are found.
        squares: of the lengths of the scores.
        table: ``path, label, picture``, in a file that is mapped into memory.
        rows: by path.
    """

    vectors: FileMatrix
    axes: NDArray[np.float32]
    scores: NDArray[np.float32]
    squares: NDArray[np.float32]
    table: pa.Table
    rows: dict[str, int]

    def nearest(
        self, features: NDArray[np.float32], neighbours: Sequence[int]
    ) -> list[list[dict[str, Any]]]:
        """The photos with the most similar features: ``path, label, similarity`` (the cosine).

        Args:
            features: ``(n, n_features)``, each unlike zero.
            neighbours: how many photos to name for each row.
        """
        queries = normalised(features)
        away = self.squares - 2 * ((queries @ self.axes) @ self.scores.T)
        return [self._best(*one) for one in zip(queries, away, neighbours)]

    def _best(
        self, query: NDArray[np.float32], away: NDArray[np.float32], k: int
    ) -> list[dict[str, Any]]:
        if k == 0:
            return []
        some, candidates = np.arange(len(away)), max(_CANDIDATES, 2 * k)
        if len(away) > candidates:
            some = np.argpartition(away, candidates)[:candidates]
        cosines = (self.vectors[some] @ query).clip(max=1)
        best = np.lexsort((some, -cosines))[:k]
        found = self.table.select(["path", "label"]).take(pa.array(some[best])).to_pylist()
        return [row | {"similarity": round(float(c), 4)} for row, c in zip(found, cosines[best])]

    def picture(self, path: str) -> bytes | None:
        """The small JPEG of a photo; None if the store has none."""
        row = self.rows.get(path)
        return None if row is None else self.table.column("picture")[row].as_py()


@dataclass(frozen=True)
class Store:
    """Backbone, PCA, best classifier and photos of a store that belong together.

    Attributes:
        version: changes with the files.
        model: the backbone's, on one thread.
        inputs: ``features`` or ``pca_features``.
        nearest: the nearest centroid.
        threshold: its distance, beyond which a photo is out of distribution.
    """

    version: str
    backbone: Backbone
    model: FeatureModel
    pca: Pca
    inputs: str
    best: str
    classes: list[str]
    classifier: Classifier
    nearest: Linear
    threshold: float
    photos: Photos

    def vectors(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the classifier takes, of features ``(rows, n_features)``."""
        rows = features.astype(np.float64)
        return self.pca.transform(rows) if self.inputs == "pca_features" else rows


def version_of(place: str, options: dict[str, Any]) -> str:
    """The same as long as the files of a store are; empty if one is missing."""
    fs, root = file_system(place, options)
    found = []
    for names in (_BACKBONES, *((mark,) for mark in _MARKS)):
        about = _info(fs, root, *names)
        if about is None:
            return ""
        changed = about.get("mtime") or about.get("ETag") or about.get("LastModified")
        found.append([about["name"], about.get("ino"), about.get("size"), str(changed)])
    return json.dumps(found)


def _info(fs: Any, root: str, *names: str) -> dict[str, Any] | None:
    """What a file system knows of the first of these files that is there."""
    for name in names:
        with suppress(FileNotFoundError):
            found: dict[str, Any] = fs.info(f"{root}/{name}")
            return found
    return None


def load_store(place: str, options: dict[str, Any]) -> Store:
    """All that the service needs.

    Args:
        place: of the store: a folder or a URL.
        options: for fsspec.

    Raises:
        FruitsError: something is missing, or its parts do not belong together: a run is replacing
            them, or has failed.
    """
    version = version_of(place, options)
    fs, root = file_system(place, options)
    compiled = _info(fs, root, *_BACKBONES)
    if not version or compiled is None:
        raise FruitsError(
            f"The store {place} has no classifier, or not all that belongs to it.\nRun 'kedro "
            "run' and then 'kedro run --pipelines classification' with this store first."
        )
    models = Folder(fs, f"{root}/06_models")
    info = json.loads(fs.cat_file(f"{root}/{_INFO}"))
    backbone = from_bytes(fs.cat_file(compiled["name"]))
    pca = read_pca(models / "pca_model")
    known = (backbone.fingerprint, pca.fingerprint)
    if known != (info["fingerprint"], info["pca_fingerprint"]):
        raise FruitsError(
            f"The classifiers of {place} were trained on other features or another PCA.\nRun "
            "'kedro run --pipelines classification' with this store again."
        )
    classes, classifier = read_classifier(models / "classifiers" / info["best"])
    _, nearest = read_classifier(models / "classifiers" / f"nearest_centroid.{info['inputs']}")
    assert isinstance(nearest, Linear)
    photos = _read_photos(fs, f"{root}/{_FEATURES}", backbone, pca)
    pa.default_memory_pool().release_unused()  # what reading took
    if version_of(place, options) != version:
        raise FruitsError(f"The store {place} changed while it was read.")
    return Store(
        version=version,
        backbone=backbone,
        model=backbone.load_model(),
        pca=pca,
        inputs=info["inputs"],
        best=info["best"],
        classes=classes,
        classifier=classifier,
        nearest=nearest,
        threshold=info["distance_threshold"],
        photos=photos,
    )


def _read_photos(fs: Any, folder: str, backbone: Backbone, pca: Pca) -> Photos:
    """The usable photos, copied into files of this process: a run may replace the store's."""
    manifest = read_manifest(fs, folder)
    files = manifest_files(manifest or b"", folder, fs.ls(folder, detail=False))
    columns = [*_SHOWN.names, "features", "fingerprint"]
    axes = np.ascontiguousarray(pca.components[:, :_AXES], np.float32)
    paths: list[str] = []
    scores = [np.empty((0, axes.shape[1]), np.float32)]
    vectors = FileMatrix((_count(fs, files), backbone.n_features), np.float32)
    with tempfile.TemporaryDirectory() as copy:  # what is mapped stays after its deletion
        shown = f"{copy}/shown"
        with pa.ipc.new_file(shown, _SHOWN) as rows:
            for batch in usable_rows(functools.partial(_read, fs, files), columns):
                if set(batch.column("fingerprint").to_pylist()) != {backbone.fingerprint}:
                    raise FruitsError(f"{folder} has features of another backbone.")
                features = normalised(feature_rows(batch))
                scores.append(features @ axes)
                vectors[len(paths) : len(paths) + len(features)] = features
                paths += batch.column("path").to_pylist()
                rows.write_batch(_shown(batch))
        table = pa.ipc.open_file(pa.memory_map(shown)).read_all()
    every = np.concatenate(scores)
    squares = np.square(every).sum(axis=1)
    rows_of = {path: row for row, path in enumerate(paths)}
    return Photos(vectors, axes, every, squares, table, rows_of)


def _count(fs: Any, files: list[str]) -> int:
    """The rows of all files: at least as many as there are usable photos."""
    rows = 0
    for file in files:
        with fs.open(file, "rb") as source:
            rows += pq.read_metadata(source).num_rows
    return rows


def _read(fs: Any, files: list[str], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches of the columns that there are."""
    for file in files:
        with fs.open(file, "rb") as source, pq.ParquetFile(source) as parquet:
            there = [name for name in columns if name in parquet.schema_arrow.names]
            yield from parquet.iter_batches(_ROWS, columns=there, use_threads=False)


def _shown(batch: pa.RecordBatch) -> pa.RecordBatch:
    """What is shown of photos; a column that an earlier version lacks is null."""
    empty = pa.nulls(batch.num_rows, pa.binary())
    columns = [batch.column(name) if name in batch.schema.names else empty for name in _SHOWN.names]
    return pa.RecordBatch.from_arrays(columns, schema=_SHOWN)
