"""What the datasets share: a location that fsspec knows, and atomic replacement."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from kedro.io import AbstractDataset

from fruits_kedro.spark.paths import spark_url
from fruits_kedro.storage.atomic import NewVersion, new_version, recover
from fruits_kedro.storage.filesystem import file_system, local_path
from fruits_kedro.storage.manifest import NewFiles
from fruits_kedro.storage.s3 import for_fsspec

_In = TypeVar("_In")
_Out = TypeVar("_Out")


Replacement = NewVersion | NewFiles  # a new version that has not taken its place


class AtomicDataset:
    """Replaces a file or a folder atomically: as it is saved, or when a run has ended well."""

    _SINGLE_PROCESS = True  # for Kedro's ParallelRunner: what is held back is known to one process
    holds_back = False
    held_back: Replacement | None = None

    def hold_back(self) -> None:
        """From now on what is saved is loaded, but takes its place only with :meth:`publish`."""
        self.holds_back = True

    def publish(self) -> None:
        """Let the version that was held back take its place, and hold nothing back any more."""
        self.holds_back = False
        version, self.held_back = self.held_back, None
        if version:
            _replace(version)

    def discard(self) -> None:
        """Remove the version that was held back."""
        version, self.held_back = self.held_back, None
        if version:
            version.discard()

    @contextmanager
    def _writing(self, version: Replacement) -> Iterator[None]:
        """Write a version in a block; after it, the version takes its place, now or later."""
        with _removed_if_it_fails(version):
            yield
        self._finish(version)

    def _finish(self, version: Replacement) -> None:
        self.discard()  # of a dataset that is saved twice
        if self.holds_back:
            self.held_back = version
        else:
            _replace(version)


def _replace(version: Replacement) -> None:
    with _removed_if_it_fails(version):
        version.replace()


@contextmanager
def _removed_if_it_fails(version: Replacement) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(Exception):  # of a disk or a bucket that has gone: the first error counts
            version.discard()
        raise


class FsspecDataset(AbstractDataset[_In, _Out]):
    """A dataset that is a file or a folder, on a disk or in a bucket.

    Args:
        filepath: a local path or a URL that fsspec knows.
        credentials: for fsspec, or an entry of ``credentials.yml`` in AWS' words.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        # Not _filepath: Kedro-Viz would ask a bucket for its size, without keys, after each save.
        self._place = filepath
        self._credentials = for_fsspec(credentials)
        self.metadata = metadata

    @property
    def location(self) -> str:
        """The path or URL."""
        return local_path(self._place).replace("s3a://", "s3://")

    @property
    def credentials(self) -> dict[str, Any]:
        """The options for fsspec."""
        return self._credentials

    def _exists(self) -> bool:
        fs, path = file_system(self._place, self._credentials)
        return bool(fs.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._place}


class AtomicFsspecDataset(AtomicDataset, FsspecDataset[_In, _Out]):
    """A file or folder that is replaced atomically, and exists once its last file does.

    Args:
        optional: load None if there is no complete version, where the dataset knows that.

    Attributes:
        last_file: how the file of a folder begins that is written last; empty if the target is a
            file.
    """

    last_file = ""

    def __init__(self, *, filepath: str, optional: bool = False, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._url, self.optional = filepath, optional

    @property
    def _newest(self) -> str:
        """The URL of the newest version; of one that is held back, too."""
        held = self.held_back
        return held.url(self._url) if isinstance(held, NewVersion) else self._url

    @contextmanager
    def _new_version(self) -> Iterator[tuple[str, NewVersion]]:
        """A URL to write a new version to; it takes its place after that, now or later."""
        version = new_version(*file_system(self._url, self._credentials), self.last_file)
        with self._writing(version):
            yield version.url(self._url), version

    def _exists(self) -> bool:
        fs, path = file_system(self._newest, self._credentials)
        if not self.last_file:
            return bool(fs.exists(path))
        return bool(fs.glob(glob.escape(f"{path}/{self.last_file}") + "*"))

    def recover(self) -> None:
        """Clear up after a run that died while it wrote this dataset."""
        recover(*file_system(self._url, self._credentials))


class SparkDataset(AtomicFsspecDataset[_In, _Out]):
    """A file or folder that is replaced atomically, and exists once its last file does.

    Args:
        load_args: options of Spark's reader.
        save_args: options of Spark's writer.
    """

    def __init__(
        self,
        *,
        filepath: str,
        load_args: dict[str, Any] | None = None,
        save_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._url = spark_url(filepath)
        self._load_args = load_args or {}
        self._save_args = save_args or {}
