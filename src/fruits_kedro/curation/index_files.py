"""The files of a similarity index: which of them count, and how they are replaced."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import write_atomic

MANIFEST = "manifest.json"
FILES = ("cells", "vectors", "photos", "added", "gone")  # whose names the manifest has
APPENDED = "vectors"  # the one to which an update appends; others are written anew
INDEXED = pa.schema(
    [("path", pa.string()), ("label", pa.string()), ("split", pa.string()), ("pixels", pa.int64())]
)


class IndexFiles:
    """A folder whose manifest names the files that count, and is replaced last.

    A reader never sees half an update, and what a killed process wrote counts for nothing.

    Args:
        folder: on a disk; it may be missing.
        on_change: is called after each change.

    Attributes:
        manifest: the names of the files, and what is known of them; empty if there is no index.
        photos: ``path, label, split, pixels`` of all rows.
        vectors: ``(rows, features)``, float16, mapped into memory.
        cells: faiss' index of the first ``base`` rows, mapped into memory.
        gone: the rows that were deleted.

    Raises:
        FruitsError: files that the manifest names are missing, or are not what they should be.
    """

    manifest: dict[str, Any]
    photos: pa.Table
    vectors: Any
    cells: Any
    gone: NDArray[np.int64]

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self.folder = folder
        self._on_change = on_change
        self._open()

    def build(self, vectors: Vectors, cells: Any, **known: Any) -> None:
        """Replace all there is; ``known`` goes into the manifest."""
        import faiss

        self.folder.mkdir(parents=True, exist_ok=True)
        n, features = vectors.matrix.shape
        names = {"cells": f"cells.{_tag()}.faiss", "vectors": f"vectors.{_tag()}.f16"}
        faiss.write_index(cells, str(self.folder / names["cells"]))
        with (self.folder / names["vectors"]).open("wb") as file:
            for rows in vectors.batches():
                file.write(rows.astype(np.float16).tobytes())
        photos = pa.Table.from_pandas(vectors.photos, INDEXED, preserve_index=False)
        names |= {"photos": self._write_photos(photos, "photos"), "added": "", "gone": ""}
        self._replace(names | known | {"features": features, "base": n, "rows": n})

    def append(
        self, photos: pa.Table, vectors: NDArray[np.float32], gone: NDArray[np.int64], **known: Any
    ) -> None:
        """Add rows, and say anew which are gone; ``known`` goes into the manifest."""
        rows, base = self.manifest["rows"], self.manifest["base"]
        with (self.folder / self.manifest["vectors"]).open("r+b") as file:
            file.seek(rows * self.manifest["features"] * 2)
            file.write(vectors.astype(np.float16).tobytes())
        added = pa.concat_tables([self.photos.slice(base), photos.cast(INDEXED)])
        names = {"added": self._write_photos(added, "added"), "gone": f"gone.{_tag()}.npy"}
        np.save(self.folder / names["gone"], gone)
        self._replace(self.manifest | names | known | {"rows": rows + len(photos)})

    def clear(self) -> None:
        """Delete all."""
        if self.manifest:
            (self.folder / MANIFEST).unlink()
            self._open()
            remove_others(self.folder, {})
            self._on_change()

    def close(self) -> None:
        """Let go of the files."""
        self.photos, self.vectors, self.cells = INDEXED.empty_table(), None, None
        self.gone = np.empty(0, np.int64)

    def _open(self) -> None:
        self.close()
        try:
            self.manifest = json.loads((self.folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            self.manifest = {}
            return
        try:
            self._read()
        except (OSError, ValueError, RuntimeError, pa.ArrowInvalid) as error:
            raise FruitsError(
                f"The index in {self.folder} is damaged ({error}).\nDelete the folder, and run "
                "'kedro run --pipelines curation' with the same --params."
            ) from None

    def _read(self) -> None:
        import faiss

        about = self.manifest
        places = {name: self.folder / about[name] for name in FILES if about[name]}
        parts = [_read_photos(places[name]) for name in ("photos", "added") if name in places]
        self.photos = pa.concat_tables(parts)
        shape = (about["rows"], about["features"])
        self.vectors = np.memmap(places["vectors"], np.float16, "r", shape=shape)
        self.cells = faiss.read_index(str(places["cells"]), faiss.IO_FLAG_MMAP)
        if "gone" in places:
            self.gone = np.load(places["gone"])
        if len(self.photos) != about["rows"] or self.cells.ntotal != about["base"]:
            raise ValueError("its files are of different sizes")

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


def _read_photos(file: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


def _tag() -> str:
    return uuid.uuid4().hex[:8]
