"""An index of vectors as a Kedro dataset, by the conventions of kedro-datasets' vector stores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from kedro_datasets_experimental.vectorstore_base import AbstractVectorStoreDataset

from fruits_kedro.curation.index_files import APPENDED, FILES, MANIFEST, remove_others
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.datasets.base import FsspecDataset
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.storage.filesystem import file_system, remove


class SimilarityIndexDataset(FsspecDataset[Any, SimilarityIndex], AbstractVectorStoreDataset):
    """A folder with an index, on a disk or in a bucket; the handle writes, not ``save``.

    Of one in a bucket, the machine keeps a copy in its cache, since a memory map needs a file.
    """

    def _load(self) -> SimilarityIndex:
        """A handle on the index; on an empty one if there is none."""
        fs, path = file_system(self._place, self._credentials)
        if isinstance(fs, LocalFileSystem):
            return SimilarityIndex(Path(path))
        copy = cache_folder() / "indexes" / hashlib.sha256(path.encode()).hexdigest()[:16]
        _fetch(fs, path, copy)
        return SimilarityIndex(copy, lambda: _store(fs, path, copy))

    def _exists(self) -> bool:
        fs, path = file_system(self._place, self._credentials)
        return bool(fs.exists(f"{path}/{MANIFEST}"))


def _fetch(fs: Any, path: str, copy: Path) -> None:
    """Let a local copy be what is in a bucket.

    Files keep their content, but for the vectors, to which rows are appended.
    """
    try:
        manifest = fs.cat_file(f"{path}/{MANIFEST}")
    except FileNotFoundError:
        (copy / MANIFEST).unlink(missing_ok=True)
        return
    copy.mkdir(parents=True, exist_ok=True)
    known = copy / MANIFEST
    is_same = known.exists() and known.read_bytes() == manifest
    for name in _files_of(manifest):
        file = copy / name
        if not file.exists() or (name.startswith(APPENDED) and not is_same):
            part = copy / f".{name}.part"  # a download may be interrupted
            fs.get_file(f"{path}/{name}", str(part))
            part.replace(file)
    known.write_bytes(manifest)
    remove_others(copy, json.loads(manifest))


def _store(fs: Any, path: str, copy: Path) -> None:
    """Let a bucket have what is in a local copy: the manifest comes last, then others go."""
    if not (copy / MANIFEST).exists():
        if fs.exists(path):
            remove(fs, [path], recursive=True)
        return
    manifest = (copy / MANIFEST).read_bytes()
    names = _files_of(manifest)
    for name in names:
        if name.startswith(APPENDED) or not fs.exists(f"{path}/{name}"):
            fs.put_file(str(copy / name), f"{path}/{name}")
    fs.pipe_file(f"{path}/{MANIFEST}", manifest)
    kept = {f"{path}/{name}" for name in (*names, MANIFEST)}
    if gone := sorted(set(fs.find(path)) - kept):
        remove(fs, gone)


def _files_of(manifest: bytes) -> list[str]:
    about = json.loads(manifest)
    return [about[name] for name in FILES if about[name]]
