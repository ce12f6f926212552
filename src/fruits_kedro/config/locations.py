"""The two roots: the photos, and the store for all that is written."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fsspec
from kedro.framework.context import KedroContext

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import S3Settings, check_bucket, is_s3

PROGRESS = "08_reporting/progress.json"  # in a bucket's store, while features are extracted


@dataclass(frozen=True)
class Locations:
    """The roots of the photos and of the store, each a folder or a URL."""

    images: str
    store: str

    @classmethod
    def of(cls, context: KedroContext) -> Locations:
        """The roots from ``--params``, else ``globals.yml``; folders are relative to the project.

        Writes the normalised roots back to the runtime parameters, for the catalog.

        Raises:
            FruitsError: a ``~`` that no shell has replaced, or a root in ``globals.yml`` that is
                not normalised.
        """
        runtime = context.config_loader.runtime_params or {}
        found = {}
        for place in ("images", "store"):
            if runtime.get(place):
                runtime[place] = _plain(str(runtime[place]))
            root = str(runtime.get(place) or context.config_loader["globals"][place])
            if root != _plain(root):
                raise FruitsError(f"{place}: {root} in globals.yml: write it as {_plain(root)}")
            if root.startswith("~"):
                raise FruitsError(
                    f"{place}={root}: the shell leaves this ~ as it is. "
                    f"Write --params {place}=$HOME{root[1:]}"
                )
            found[place] = root if "://" in root else str(context.project_path / root)
        return cls(**found)

    @property
    def in_s3(self) -> bool:
        """Whether either root lies in a bucket."""
        return is_s3(self.images) or is_s3(self.store)


def _plain(root: str) -> str:
    """The root without redundant slashes, on which Spark and fsspec do not agree."""
    scheme, _, path = root.rpartition("://")
    path = re.sub("/+", "/", path)
    path = path.rstrip("/") if scheme else path.removesuffix("/") or "/"
    return f"{scheme}://{path}" if scheme not in ("", "file") else path


def check_store(store: str, settings: S3Settings | None = None) -> None:
    """Raise FruitsError unless a file can be written below the store's root.

    Args:
        store: a folder or a URL.
        settings: of a bucket; None looks them up.
    """
    if is_s3(store):
        check_bucket(store, settings, write=True)
        return
    try:
        if "://" not in store:
            Path(store).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=store).close()
            return
        fs, path = fsspec.core.url_to_fs(store)
        probe = f"{path.rstrip('/')}/.write-check"
        fs.pipe_file(probe, b"")
        fs.rm_file(probe)
    except Exception as error:
        raise FruitsError(
            f"The store {store} cannot be written: {error}.\nGive --params store=<folder>."
        ) from None


def short(place: str) -> str:
    """A path relative to the working folder if it is below it, else unchanged."""
    return os.path.relpath(place) if Path(place).is_relative_to(Path.cwd()) else place
