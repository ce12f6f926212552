"""A listing of photos: files to rows, with little memory a file, and what is left out."""

from __future__ import annotations

import itertools
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from fruits_kedro.images.clutter import clutter_in
from fruits_kedro.images.formats import extensions
from fruits_kedro.images.source import LISTING_SCHEMA

logger = logging.getLogger(__name__)

EPOCH = datetime.fromtimestamp(0, UTC)
# Path, time and size: of a file, or as a bucket writes them.
Entry = tuple[str, datetime | str, int | str]
_Row = TypeVar("_Row", bound=tuple[Any, ...])  # with the path in front
_ROWS = 5_000  # in Python objects at a time


def to_listing(entries: Iterable[Entry]) -> pa.Table:
    """The listing of files, ordered by path, as :meth:`ImageSource.list` returns it."""
    batches = []
    rows = iter(entries)
    while some := list(itertools.islice(rows, _ROWS)):
        columns = [pa.array(c).cast(f.type) for c, f in zip(zip(*some), LISTING_SCHEMA)]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=LISTING_SCHEMA))
    return in_order(pa.Table.from_batches(batches, LISTING_SCHEMA))


def in_order(listing: pa.Table) -> pa.Table:
    """The rows ordered by path; sorting, which needs as much memory again, only if they are not."""
    paths = listing["path"]
    is_ordered = pc.all(pc.less_equal(paths[:-1], paths[1:])).as_py()
    return listing if is_ordered is not False else listing.sort_by("path")


def to_time(seconds: float) -> datetime:
    """A time of modification; the epoch for one that no calendar knows."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return EPOCH


class LeftOut:
    """Counts the files of a root that are no photos."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._clutter: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def add(self, kind: str, files: int = 1) -> None:
        """Count clutter of some kind."""
        self._clutter[kind] += files

    def folder(self, kind: str, path: str) -> None:
        """Count the files in a folder of clutter."""
        self.add(kind, sum(len(files) for _, _, files in os.walk(path)))

    def photos_of(self, entries: Iterable[_Row]) -> Iterator[_Row]:
        """The entries that are photos by their names; count the others."""
        known = extensions()
        for entry in entries:
            path = entry[0]
            extension = os.path.splitext(path)[1].lower()
            if kind := clutter_in(path):
                self.add(kind)
            elif extension in known:
                yield entry
            else:
                self._others[extension or "no extension"] += 1

    def merge(self, other: LeftOut) -> None:
        """Add what another has counted."""
        self._clutter += other._clutter
        self._others += other._others

    def log(self) -> None:
        """Say how many files were left out, and of which kinds."""
        for what, counts in (
            ("files that a system left among the photos are left out", self._clutter),
            ("files are not photos", self._others),
        ):
            if counts:
                kinds = ", ".join(f"{n:,} {kind}" for kind, n in counts.most_common(12))
                logger.warning("%s %s in %s: %s", f"{counts.total():,}", what, self._root, kinds)
