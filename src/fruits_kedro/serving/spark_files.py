"""Models that Spark ML has stored, read without Spark.

The files: https://github.com/apache/spark, ``ml/linalg``, ``ml/tree/treeModels.scala``.
"""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fruits_kedro.errors import FruitsError
from fruits_kedro.linalg.linear import Linear
from fruits_kedro.linalg.pca import Pca

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Folder:
    """A folder on a file system of fsspec."""

    fs: Any
    path: str

    def __truediv__(self, name: str) -> Folder:
        return Folder(self.fs, f"{self.path}/{name}")

    def text(self) -> str:
        """All files of a folder of text, one after the other."""
        files = sorted(f for f in self.fs.ls(self.path, detail=False) if "/part-" in f)
        return "".join(self.fs.cat_file(file).decode() for file in files)

    def table(self) -> pa.Table:
        """All files of a folder of Parquet."""
        files = sorted(f for f in self.fs.ls(self.path, detail=False) if f.endswith(".parquet"))
        found = [pq.read_table(io.BytesIO(self.fs.cat_file(file))) for file in files]
        return pa.concat_tables(found)

    def stages(self) -> list[Folder]:
        """The stages of a stored ``PipelineModel``, in order, in the folders that Spark names."""
        uids = self.params()["stageUids"]
        digits = len(str(len(uids)))
        return [self / "stages" / f"{i:0{digits}d}_{uid}" for i, uid in enumerate(uids)]

    def params(self) -> dict[str, Any]:
        """The parameters of a stage, with the defaults, and its class as ``class``."""
        about = json.loads((self / "metadata").text())
        return about["defaultParamMap"] | about["paramMap"] | {"class": about["class"]}


def read_pca(model: Folder) -> Pca:
    """A PCA of the pipeline ``reduction``: a scaler that centres, then the components."""
    scaler, pca = model.stages()
    scales, found = (stage / "data" for stage in (scaler, pca))
    row, parts = scales.table().to_pylist()[0], found.table().to_pylist()[0]
    mean, scale = _vector(row["mean"]), _vector(row["std"])
    if not scaler.params()["withStd"]:
        scale = np.ones_like(scale)
    return Pca(mean, scale, _matrix(parts["pc"]), _vector(parts["explainedVariance"]))


def read_classifier(model: Folder) -> tuple[list[str], Classifier]:
    """The classes and the classifier of a stored pipeline of a classifier and its labels.

    Raises:
        FruitsError: it is of a kind that is not known.
    """
    stage, names = model.stages()
    kind = stage.params()["class"].rpartition(".")[2]
    if kind not in _KINDS:
        raise FruitsError(f"The service does not know the classifier {kind} of {model.path}.")
    return list(names.params()["labels"]), _KINDS[kind](stage)


def _read_linear(stage: Folder) -> Linear:
    row = (stage / "data").table().to_pylist()[0]
    return Linear(_matrix(row["coefficientMatrix"]), _vector(row["interceptVector"]))


@dataclass(frozen=True)
class Forest:
    """Decision trees, whose leaves vote with the shares of their classes.

    Attributes:
        feature, threshold, left, right: of each node of all trees; a leaf is its own child.
        shares: ``(nodes, classes)``.
        roots: the first node of each tree.
    """

    feature: NDArray[np.int64]
    threshold: Matrix
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shares: Matrix
    roots: NDArray[np.int64]

    @classmethod
    def read(cls, stage: Folder) -> Forest:
        """From the files of a ``RandomForestClassificationModel``."""
        rows = (stage / "data").table()
        nodes = pa.Table.from_struct_array(rows.column("nodeData"))
        tree = rows.column("treeID").to_numpy()
        ids = nodes.column("id").to_numpy()
        order = np.lexsort((ids, tree))
        tree, ids = tree[order], ids[order]
        roots = np.flatnonzero(ids == 0)
        splits = pa.Table.from_struct_array(nodes.column("split")).take(pa.array(order))
        counts = np.array(nodes.column("impurityStats").to_pylist())[order]
        start = roots[np.searchsorted(tree[roots], tree)]
        own = np.arange(len(ids))
        children = {}
        for name in ("leftChild", "rightChild"):
            child = nodes.column(name).to_numpy()[order]
            children[name] = np.where(child >= 0, start + child, own)
        thresholds = splits.column("leftCategoriesOrThreshold").to_pylist()
        return cls(
            np.maximum(splits.column("featureIndex").to_numpy(), 0),
            np.array([one[0] if one else 0.0 for one in thresholds]),
            children["leftChild"],
            children["rightChild"],
            counts / counts.sum(axis=1, keepdims=True),
            roots,
        )

    def probabilities(self, rows: Matrix) -> Matrix:
        """Of each class: ``(rows, classes)``."""
        at = np.tile(self.roots, (len(rows), 1))
        which = np.arange(len(rows))[:, None]
        before = at - 1
        while (at != before).any():
            goes_left = rows[which, self.feature[at]] <= self.threshold[at]
            before, at = at, np.where(goes_left, self.left[at], self.right[at])
        found: Matrix = self.shares[at].mean(axis=1)
        return found


class Boosting:
    """Gradient-boosted trees of xgboost."""

    def __init__(self, stage: Folder) -> None:
        import xgboost

        self._booster = xgboost.Booster(model_file=bytearray((stage / "model").text().encode()))
        self._matrix = xgboost.DMatrix

    def probabilities(self, rows: Matrix) -> Matrix:
        """Of each class: ``(rows, classes)``."""
        found = self._booster.predict(self._matrix(rows.astype(np.float32))).astype(np.float64)
        return found if found.ndim == 2 else np.stack([1 - found, found], axis=1)


Classifier = Linear | Forest | Boosting
_KINDS: dict[str, Any] = {
    "LogisticRegressionModel": _read_linear,
    "RandomForestClassificationModel": Forest.read,
    "SparkXGBClassifierModel": Boosting,
}


def _vector(found: dict[str, Any]) -> Matrix:
    """A vector of Spark: sparse (type 0) or dense (1)."""
    values = np.array(found["values"], np.float64)
    if found["type"] == 1:
        return values
    vector = np.zeros(found["size"])
    vector[found["indices"]] = values
    return vector


def _matrix(found: dict[str, Any]) -> Matrix:
    """A matrix of Spark: sparse (type 0, by columns or rows) or dense (1)."""
    rows, columns = found["numRows"], found["numCols"]
    values = np.array(found["values"], np.float64)
    if found["type"] == 1:
        order = "C" if found["isTransposed"] else "F"
        return np.ascontiguousarray(values.reshape((rows, columns), order=order))  # type: ignore[call-overload]
    matrix = np.zeros((columns, rows) if not found["isTransposed"] else (rows, columns))
    starts = found["colPtrs"]
    for i, (start, end) in enumerate(itertools.pairwise(starts)):
        matrix[i, found["rowIndices"][start:end]] = values[start:end]
    return matrix if found["isTransposed"] else np.ascontiguousarray(matrix.T)
