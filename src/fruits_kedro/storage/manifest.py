"""Which files of a folder count: its commit manifest, ``_SUCCESS``, names them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import remove
from fruits_kedro.storage.lock import check_locks

MARK = "_SUCCESS"
SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"  # in the footer of a file


@dataclass(frozen=True)
class NewFiles:
    """The files of a new version of a folder in a bucket, beside those of the last one.

    Attributes:
        names: of the files, without the folder.
    """

    fs: Any
    folder: str
    names: list[str]

    @property
    def files(self) -> list[str]:
        """The paths of the files, in order."""
        return sorted(f"{self.folder}/{name}" for name in self.names)

    @property
    def replaces(self) -> bool:
        """Whether there is something to replace."""
        return read_manifest(self.fs, self.folder) is not None

    def replace(self) -> None:
        """Write the manifest, then delete all other files: old ones, or broken ones.

        Raises:
            FruitsError: this run has lost the lock on its store.
        """
        check_locks()
        write_manifest(self.fs, self.folder, self.names)
        kept = {*self.files, f"{self.folder}/{MARK}"}
        if stale := [file for file in self.fs.find(self.folder) if file not in kept]:
            remove(self.fs, stale)

    def discard(self) -> None:
        """Delete the files."""
        remove(self.fs, self.files)


def write_manifest(fs: Any, folder: str, names: Iterable[str]) -> None:
    """Write the manifest of a folder: these files count from now on."""
    fs.pipe_file(f"{folder}/{MARK}", json.dumps({"files": sorted(names)}).encode())


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
    try:
        listed = json.loads(manifest or b"{}").get("files")
    except (ValueError, AttributeError):
        listed = None
    if listed is None:
        return sorted(path for name, path in there.items() if name[0] not in "._")
    if missing := sorted(set(listed) - there.keys()):
        raise FruitsError(
            f"{folder} has lost {len(missing):,} of its {len(listed):,} files, such as "
            f"{missing[0]}.\nCopy the whole folder again. Or delete it, and run the pipeline that "
            "makes it."
        )
    return [there[name] for name in sorted(listed)]
