"""What the datasets share that replace a file or a folder atomically."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from fruits_kedro.datasets.fsspec_dataset import FsspecDataset
from fruits_kedro.storage.atomic import NewVersion, new_version, recover
from fruits_kedro.storage.filesystem import file_system

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Replacement(Protocol):
    """A new version that is complete and has not taken its place."""

    @property
    def replaces(self) -> bool:
        """Whether there is something to replace."""

    def replace(self) -> None:
        """Take its place."""

    def discard(self) -> None:
        """Remove it."""


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


class AtomicFsspecDataset(AtomicDataset, FsspecDataset[_In, _Out]):
    """A file or folder that is replaced atomically, and exists once its last file does.

    Attributes:
        last_file: how the file of a folder begins that is written last; empty if the target is a
            file.
    """

    last_file = ""

    def __init__(self, *, filepath: str, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self._url = filepath

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
