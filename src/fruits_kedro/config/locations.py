"""The two roots: where the photos are, and where all that is written goes."""

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

PROGRESS = "08_reporting/progress.json"  # in a store in a bucket, while a run extracts


@dataclass(frozen=True)
class Locations:
    """The roots of a run.

    Attributes:
        images: of the photos: a folder or a URL.
        store: of all that is written: a folder or a URL.
    """

    images: str
    store: str

    @classmethod
    def of(cls, context: KedroContext) -> Locations:
        """The roots that ``--params`` gives, else ``globals.yml``; folders below the project's.

        What ``--params`` gives is put into its plain form for the catalog as well.

        Raises:
            FruitsError: a ``~`` that no shell has replaced, or a root in ``globals.yml`` that ends
                with a slash.
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
        """Whether either lies in a bucket."""
        return is_s3(self.images) or is_s3(self.store)


def _plain(root: str) -> str:
    """Without slashes that say nothing: Spark and fsspec do not agree about them."""
    scheme, _, path = root.rpartition("://")
    path = re.sub("/+", "/", path)
    path = path.rstrip("/") if scheme else path.removesuffix("/") or "/"
    return f"{scheme}://{path}" if scheme not in ("", "file") else path


def check_store(store: str, settings: S3Settings | None = None) -> None:
    """Raise FruitsError unless a file can be written below the store's root.

    Args:
        store: a folder or a URL.
        settings: of a bucket; None: those that hold here.
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
    """A path below the working folder as it is seen from there; any other place as it is."""
    return os.path.relpath(place) if Path(place).is_relative_to(Path.cwd()) else place
