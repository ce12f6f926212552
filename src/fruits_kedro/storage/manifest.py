"""Which files of a folder count: its commit manifest, ``_SUCCESS``, names them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.lock import check_locks

MARK = "_SUCCESS"
SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"  # in the footer of a file


def commit(fs: Any, folder: str, names: Iterable[str]) -> None:
    """Write the manifest of a folder, then delete its other files: old ones, or broken ones.

    Args:
        names: of the files that count, without the folder.

    Raises:
        FruitsError: this run has lost the lock on its store.
    """
    check_locks()
    files = sorted(names)
    fs.pipe_file(f"{folder}/{MARK}", json.dumps({"files": files}).encode())
    kept = {f"{folder}/{name}" for name in (*files, MARK)}
    if stale := [file for file in fs.find(folder) if file not in kept]:
        fs.rm(stale)


def read_manifest(fs: Any, folder: str) -> bytes | None:
    """The content of a folder's manifest, or None where the folder is not complete."""
    try:
        return bytes(fs.cat_file(f"{folder}/{MARK}"))
    except FileNotFoundError:
        return None


def manifest_files(manifest: bytes, folder: str, names: Iterable[str]) -> list[str]:
    """The files of a folder that count, in order.

    Args:
        manifest: content of ``_SUCCESS``; where another program wrote it, all files count.
        folder: for the message.
        names: what is there, with or without a path.

    Raises:
        FruitsError: a file that the manifest names is missing.
    """
    there = {name.rpartition("/")[2]: name for name in names}
    listed = _listed(manifest)
    if listed is None:
        return sorted(path for name, path in there.items() if name[0] not in "._")
    if missing := sorted(set(listed) - there.keys()):
        raise FruitsError(
            f"{folder} has lost {len(missing):,} of its {len(listed):,} files, such as "
            f"{missing[0]}.\nCopy the whole folder again. Or delete it, and run the pipeline that "
            "makes it."
        )
    return [there[name] for name in sorted(listed)]


def _listed(manifest: bytes) -> list[str] | None:
    try:
        return json.loads(manifest or b"{}").get("files")
    except (ValueError, AttributeError):
        return None
