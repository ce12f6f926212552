"""An index of vectors in a folder: opened by memory map, updated in place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from kedro_datasets_experimental.vectorstore_base import VectorStoreHandle
from numpy.typing import NDArray

from fruits_kedro.curation.vectors import Vectors, normalised
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import write_atomic

MANIFEST = "manifest.json"
FILES = ("cells", "vectors", "photos", "added", "gone")  # whose names the manifest has
APPENDED = "vectors"  # the one to which an update appends; others are written anew
PROPERTIES = ("label", "split", "pixels")
INDEXED = pa.schema(
    [("path", pa.string()), ("label", pa.string()), ("split", pa.string()), ("pixels", pa.int64())]
)
_MORE = 2  # times as many candidates as wanted get their exact similarity
_ADDED, _GONE = 2000, 0.1  # photos, and a share of them, beyond which to build anew


class SimilarityIndex(VectorStoreHandle):
    """Vectors of photos by path; those that were added since it was built are compared one by one.

    The manifest names the files that count, and is replaced last: a reader never sees half an
    update, and what a killed process wrote counts for nothing.

    Args:
        folder: on a disk; it may be missing.
        on_change: is called after each change.

    Raises:
        FruitsError: files that the manifest names are missing, or are not what they should be.
    """

    def __init__(self, folder: Path, on_change: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self._on_change = on_change
        self.manifest: dict[str, Any] = {}
        self._vectors: Any = None
        self._cells: Any = None
        self._open()

    @property
    def exists(self) -> bool:
        """Whether there is an index."""
        return bool(self.manifest)

    @property
    def fingerprint(self) -> str | None:
        """Of the backbone."""
        return self.manifest.get("fingerprint")

    @property
    def source(self) -> str | None:
        """The version of the features."""
        return self.manifest.get("source")

    def bears(self, added: int, deleted: int) -> bool:
        """Whether so many photos can be added and deleted without building it anew."""
        base = self.manifest["base"]
        added += self.manifest["rows"] - base
        return added <= _ADDED and len(self._gone) + deleted <= _GONE * base

    @property
    def raw_client(self) -> Any:
        """The index of faiss, without the photos that were added."""
        return self._cells

    def build(self, vectors: Vectors, fingerprint: str, source: str, cells: Any) -> None:
        """Replace all there is.

        Args:
            source: names the version of the features.
            cells: faiss' index of cells of all vectors; a query looks into its ``nprobe``.
        """
        import faiss

        self.folder.mkdir(parents=True, exist_ok=True)
        shape, tag = vectors.matrix.shape, _tag()
        files = {"cells": f"cells.{tag}.faiss", "vectors": f"vectors.{tag}.f16"}
        faiss.write_index(cells, str(self.folder / files["cells"]))
        with (self.folder / files["vectors"]).open("wb") as file:
            for rows in vectors.batches():
                file.write(rows.astype(np.float16).tobytes())
        base = self._write_photos(pa.Table.from_pandas(vectors.photos, INDEXED, False), "photos")
        self._replace(
            files
            | {"fingerprint": fingerprint, "source": source, "features": shape[1]}
            | {"probes": cells.nprobe, "base": shape[0], "rows": shape[0]}
            | {"photos": base, "added": None, "gone": None}
        )

    def add(self, records: list[dict[str, Any]]) -> list[str]:
        """Add photos: ``id`` (the path), ``vector``, ``properties`` (``label, split, pixels``).

        One that is there is replaced. Returns the ids.
        """
        ids = [record["id"] for record in records]
        if not ids:
            return ids
        properties = [record.get("properties", {}) for record in records]
        columns = {name: [one.get(name) for one in properties] for name in PROPERTIES}
        vectors = np.array([record["vector"] for record in records], np.float32)
        self.update(pa.table({"path": ids} | columns, INDEXED), vectors, [])
        return ids

    def delete(self, *, ids: list[str] | None = None, filters: Any = None) -> None:
        """Delete photos by their paths; FruitsError if one is not there."""
        if ids is None or filters is not None:
            raise NotImplementedError("The index deletes by ids alone.")
        self.update(INDEXED.empty_table(), np.empty((0, self.manifest["features"]), "f"), ids)

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
        rows, features = self.manifest["rows"], self.manifest["features"]
        if vectors.shape != (len(photos), features):
            raise FruitsError(f"The index has vectors of {features} numbers, not {vectors.shape}.")
        if missing := sorted(set(gone) - set(self._paths_of(self._rows_of(gone)))):
            raise FruitsError(f"{missing[0]} is not in the index of {self.folder}.")
        left = [*gone, *photos["path"].to_pylist()]
        with (self.folder / self.manifest["vectors"]).open("r+b") as file:
            file.seek(rows * features * 2)
            file.write(normalised(vectors).astype(np.float16).tobytes())
        added = pa.concat_tables([self._photos.slice(self.manifest["base"]), photos.cast(INDEXED)])
        gone_rows = np.union1d(self._gone, self._rows_of(left))
        name = f"gone.{_tag()}.npy"
        np.save(self.folder / name, gone_rows)
        changed = {"rows": rows + len(photos), "added": self._write_photos(added, "added")}
        source = source or self.manifest["source"]
        self._replace(self.manifest | changed | {"gone": name, "source": source})

    def search(
        self,
        *,
        vector: Sequence[float] | None = None,
        text: str | None = None,
        top_k: int = 10,
        filters: Any = None,
    ) -> list[dict[str, Any]]:
        """The most similar photos: ``id, properties, distance`` (1 minus the cosine)."""
        import faiss

        if vector is None or text is not None or filters is not None:
            raise NotImplementedError("The index searches by a vector alone.")
        query = normalised(np.array([vector], np.float32))
        k = min(top_k, self.count)
        kept = faiss.IDSelectorNot(faiss.IDSelectorBatch(self._gone)) if self._gone.size else None
        found = np.empty(0, np.int64)
        for probes in (self.manifest["probes"], self._cells.nlist):  # all, if those have too few
            params = faiss.SearchParametersIVF(nprobe=probes, sel=kept)  # type: ignore[call-arg]
            found = self._cells.search(query, _MORE * k + 1, params=params)[1][0]
            found = found[found >= 0]
            if len(found) + len(self._fresh_rows) >= k:
                break
        cosines = [self._vectors[found].astype(np.float32) @ query[0], self._fresh @ query[0]]
        rows = np.concatenate([found, self._fresh_rows])
        every = np.concatenate(cosines)
        best = np.lexsort((rows, -every))[:k]
        photos = self._photos.take(pa.array(rows[best])).to_pylist()
        return [
            {"id": photo.pop("path"), "properties": photo, "distance": 1 - float(cosine)}
            for photo, cosine in zip(photos, every[best], strict=True)
        ]

    def vectors(self, paths: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of some photos that are there, by path."""
        rows = self._rows_of(paths)
        return dict(zip(self._paths_of(rows), self._vectors[rows].astype(np.float32)))

    @property
    def count(self) -> int:
        """How many photos there are."""
        return int(self.manifest["rows"] - len(self._gone))

    def photos(self) -> pd.DataFrame:
        """``path, label, split, pixels`` of all photos."""
        kept = np.setdiff1d(np.arange(len(self._photos)), self._gone)
        return self._photos.take(pa.array(kept)).to_pandas()

    def describe(self) -> dict[str, Any]:
        """``collection, count, fingerprint`` and how it is made."""
        named = ("fingerprint", "features", "probes", "base")
        about = {name: self.manifest.get(name) for name in named}
        count = self.count if self.exists else 0
        return {"collection": str(self.folder), "count": count} | about

    def clear(self) -> None:
        """Delete the index."""
        if self.exists:
            (self.folder / MANIFEST).unlink()
            self._open()
            remove_others(self.folder, {})
            self._on_change()

    def close(self) -> None:
        """Let go of the files."""
        self._photos, self._vectors, self._cells = INDEXED.empty_table(), None, None
        self._gone = np.empty(0, np.int64)

    def _open(self) -> None:
        try:
            self.manifest = json.loads((self.folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            self.manifest = {}
            self.close()
            return
        try:
            self._read_files()
        except (OSError, ValueError, RuntimeError, pa.ArrowInvalid) as error:
            raise FruitsError(
                f"The index in {self.folder} is damaged ({error}).\nDelete the folder, and run "
                "'kedro run --pipelines curation' with the same --params."
            ) from None

    def _read_files(self) -> None:
        import faiss

        about = self.manifest
        names = [name for name in (about["photos"], about["added"]) if name]
        self._photos = pa.concat_tables([_read_table(self.folder / name) for name in names])
        shape = (about["rows"], about["features"])
        self._vectors = np.memmap(self.folder / about["vectors"], np.float16, "r", shape=shape)
        self._cells = faiss.read_index(str(self.folder / about["cells"]), faiss.IO_FLAG_MMAP)
        gone = about["gone"]
        self._gone = np.load(self.folder / gone) if gone else np.empty(0, np.int64)
        fresh = np.arange(about["base"], about["rows"])
        self._fresh_rows = np.setdiff1d(fresh, self._gone)
        self._fresh = self._vectors[self._fresh_rows].astype(np.float32)
        if len(self._photos) != about["rows"] or self._cells.ntotal != about["base"]:
            raise ValueError("its files are of different sizes")

    def _rows_of(self, paths: Sequence[str]) -> NDArray[np.int64]:
        wanted = pa.array(list(paths), pa.string())
        rows = np.flatnonzero(pc.is_in(self._photos["path"], wanted).to_numpy())
        return np.setdiff1d(rows, self._gone)

    def _paths_of(self, rows: NDArray[np.int64]) -> list[str]:
        return self._photos["path"].take(pa.array(rows)).to_pylist()

    def _write_photos(self, table: pa.Table, name: str) -> str:
        name = f"{name}.{_tag()}.arrow"
        with pa.ipc.new_file(str(self.folder / name), INDEXED) as file:
            file.write_table(table)
        return name

    def _replace(self, manifest: dict[str, Any]) -> None:
        write_atomic(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode())
        self._open()
        remove_others(self.folder, manifest)
        self._on_change()


def remove_others(folder: Path, manifest: dict[str, Any]) -> None:
    """Delete the files that a manifest does not name."""
    named = {MANIFEST, *(manifest.get(name) for name in FILES)}
    for file in folder.iterdir():
        if file.name not in named:
            file.unlink()


def _read_table(file: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


def _tag() -> str:
    return uuid.uuid4().hex[:8]
