"""An index of vectors: opened by memory map, updated in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from kedro_datasets_experimental.vectorstore_base import VectorStoreHandle
from numpy.typing import NDArray

from fruits_kedro.curation.index_files import INDEXED, IndexFiles
from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.rows import normalised

_PROPERTIES = ("label", "split", "pixels")
_MORE = 2  # times as many candidates as wanted get their exact similarity
_ADDED, _GONE = 2000, 0.1  # photos, and a share of them, beyond which to build anew


class SimilarityIndex(VectorStoreHandle):
    """Vectors of photos by path; those that were added since it was built are compared one by one.

    Args:
        folder: of :class:`IndexFiles`; it may be missing.
        on_change: is called after each change.

    Raises:
        FruitsError: the files are damaged.
    """

    def __init__(self, folder: Path, on_change: Callable[[], None] = lambda: None) -> None:
        self.files = IndexFiles(folder, on_change)
        self._fresh: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None

    @property
    def fingerprint(self) -> str | None:
        """Of the backbone."""
        return self.files.manifest.get("fingerprint")

    @property
    def source(self) -> str | None:
        """The version of the features."""
        return self.files.manifest.get("source")

    @property
    def count(self) -> int:
        """How many photos there are."""
        return len(self.files.photos) - len(self.files.gone)

    @property
    def raw_client(self) -> Any:
        """The index of faiss, without the photos that were added."""
        return self.files.cells

    def bears(self, added: int, deleted: int) -> bool:
        """Whether so many photos can be added and deleted without building it anew."""
        base, rows = self.files.manifest["base"], self.files.manifest["rows"]
        return rows - base + added <= _ADDED and len(self.files.gone) + deleted <= _GONE * base

    def build(self, vectors: Vectors, fingerprint: str, source: str, cells: Any) -> None:
        """Replace all there is.

        Args:
            source: names the version of the features.
            cells: faiss' index of cells of all vectors; a query looks into its ``nprobe``.
        """
        known = {"fingerprint": fingerprint, "source": source, "probes": cells.nprobe}
        self.files.build(vectors, cells, **known)
        self._fresh = None

    def add(self, records: list[dict[str, Any]]) -> list[str]:
        """Add photos: ``id`` (the path), ``vector``, ``properties`` (``label, split, pixels``).

        One that is there is replaced. Returns the ids.
        """
        ids = [record["id"] for record in records]
        if not ids:
            return ids
        properties = [record.get("properties", {}) for record in records]
        columns = {name: [one.get(name) for one in properties] for name in _PROPERTIES}
        vectors = np.array([record["vector"] for record in records], np.float32)
        self.update(pa.table({"path": ids} | columns, INDEXED), vectors, [])
        return ids

    def delete(self, *, ids: list[str] | None = None, filters: Any = None) -> None:
        """Delete photos by their paths; FruitsError if one is not there."""
        if ids is None or filters is not None:
            raise NotImplementedError("The index deletes by ids alone.")
        none = np.empty((0, self.files.manifest["features"]), np.float32)
        self.update(INDEXED.empty_table(), none, ids)

    def update(
        self,
        photos: pa.Table,
        vectors: NDArray[np.float32],
        gone: Sequence[str],
        source: str | None = None,
    ) -> None:
        """Add and delete photos at once.

        Args:
            photos: ``path, label, split, pixels`` of those to add; one that is there is replaced.
            vectors: ``(photos, features)``: of any length.
            gone: paths of those to delete.
            source: names the version of the features.

        Raises:
            FruitsError: a photo to delete is not there, or the vectors are of another size.
        """
        features = self.files.manifest["features"]
        if vectors.shape != (len(photos), features):
            raise FruitsError(f"The index has vectors of {features} numbers, not {vectors.shape}.")
        if missing := sorted(set(gone) - set(self._paths_of(self._rows_of(gone)))):
            raise FruitsError(f"{missing[0]} is not in the index of {self.files.folder}.")
        left = self._rows_of([*gone, *photos["path"].to_pylist()])
        gone_rows = np.union1d(self.files.gone, left)
        known = {"source": source or self.source}
        self.files.append(photos, normalised(vectors), gone_rows, **known)
        self._fresh = None

    def search(
        self,
        *,
        vector: Sequence[float] | None = None,
        text: str | None = None,
        top_k: int = 10,
        filters: Any = None,
    ) -> list[dict[str, Any]]:
        """The most similar photos: ``id, properties, distance`` (1 minus the cosine)."""
        if vector is None or text is not None or filters is not None:
            raise NotImplementedError("The index searches by a vector alone.")
        query = normalised(np.array([vector], np.float32))
        k = min(top_k, self.count)
        fresh, fresh_vectors = self._added()
        found = self._candidates(query, k, at_least=k - len(fresh))
        known = self.files.vectors[found].astype(np.float32)
        rows = np.concatenate([found, fresh])
        cosines = np.concatenate([known @ query[0], fresh_vectors @ query[0]])
        best = np.lexsort((rows, -cosines))[:k]
        photos = self.files.photos.take(pa.array(rows[best])).to_pylist()
        return [
            {"id": photo.pop("path"), "properties": photo, "distance": 1 - float(cosine)}
            for photo, cosine in zip(photos, cosines[best], strict=True)
        ]

    def _candidates(self, query: NDArray[np.float32], k: int, at_least: int) -> NDArray[np.int64]:
        """Rows of the cells; of all cells, if those that a query looks into have too few."""
        import faiss

        cells, gone = self.files.cells, self.files.gone
        kept = faiss.IDSelectorNot(faiss.IDSelectorBatch(gone)) if gone.size else None
        found = np.empty(0, np.int64)
        for probes in (self.files.manifest["probes"], cells.nlist):
            params = faiss.SearchParametersIVF(nprobe=probes, sel=kept)  # type: ignore[call-arg]
            found = cells.search(query, _MORE * k + 1, params=params)[1][0]
            found = found[found >= 0]
            if len(found) >= at_least:
                break
        return found

    def _added(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and vectors of the photos that were added, and are not gone."""
        if self._fresh is None:
            about = self.files.manifest
            rows = np.setdiff1d(np.arange(about["base"], about["rows"]), self.files.gone)
            self._fresh = rows, self.files.vectors[rows].astype(np.float32)
        return self._fresh

    def vectors(self, paths: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of some photos that are there, by path."""
        rows = self._rows_of(paths)
        return dict(zip(self._paths_of(rows), self.files.vectors[rows].astype(np.float32)))

    def photos(self) -> pd.DataFrame:
        """``path, label, split, pixels`` of all photos."""
        kept = np.setdiff1d(np.arange(len(self.files.photos)), self.files.gone)
        return self.files.photos.take(pa.array(kept)).to_pandas()

    def describe(self) -> dict[str, Any]:
        """``collection, count, fingerprint`` and how it is made."""
        named = ("fingerprint", "features", "probes", "base")
        about = {name: self.files.manifest.get(name) for name in named}
        return {"collection": str(self.files.folder), "count": self.count} | about

    def clear(self) -> None:
        """Delete the index."""
        self.files.clear()
        self._fresh = None

    def close(self) -> None:
        """Let go of the files."""
        self.files.close()

    def _rows_of(self, paths: Sequence[str]) -> NDArray[np.int64]:
        wanted = pa.array(list(paths), pa.string())
        rows = np.flatnonzero(pc.is_in(self.files.photos["path"], wanted).to_numpy())
        return np.setdiff1d(rows, self.files.gone)

    def _paths_of(self, rows: NDArray[np.int64]) -> list[str]:
        return self.files.photos["path"].take(pa.array(rows)).to_pylist()
