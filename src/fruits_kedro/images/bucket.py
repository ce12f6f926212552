"""Lists the photos in a bucket: in parallel, and compact from the first moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import Any

import pyarrow as pa

from fruits_kedro.images.listing import Entry, LeftOut, in_order, to_listing
from fruits_kedro.storage.s3 import S3Settings, split_url
from fruits_kedro.storage.s3_listing import Page, list_pages

_FEW = 10  # pages that are read one after the other: no more requests for 10,000 photos
_AT_ONCE = 8
_PARTS = 32
_DEPTH = 3  # of folders in which bounds of parts are looked for
_END = "\U0010ffff"  # after all keys


def list_bucket(root: str, settings: S3Settings, left_out: LeftOut) -> pa.Table:
    """The photos below a root, ordered by path, as :meth:`ImageSource.list` returns them.

    Args:
        root: ``s3://bucket/prefix``.
        left_out: counts what is no photo.
    """
    listing = _Listing(f"{root}/", settings)
    first = list(islice(listing.pages(), _FEW))
    tables = [to_listing(left_out.photos_of(listing.entries(first)))]
    if len(first) == _FEW:
        bounds = listing.bounds(first[-1].keys[-1])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for table, found in pool.map(listing.read, *zip(*pairwise(bounds))):
                tables.append(table)
                left_out.merge(found)
    return in_order(pa.concat_tables(tables))


class _Listing:
    def __init__(self, url: str, settings: S3Settings) -> None:
        self._url = url
        self._start = len(split_url(url)[1])
        self._client = settings.client()
        self._requester_pays = settings.requester_pays

    def pages(self, prefix: str | None = None, **given: Any) -> Iterator[Page]:
        """Pages of the root, or of a prefix."""
        url = self._url if prefix is None else f"s3://{split_url(self._url)[0]}/{prefix}"
        return list_pages(self._client, url, requester_pays=self._requester_pays, **given)

    def entries(self, pages: Iterable[Page], after: str = "", until: str = _END) -> Iterator[Entry]:
        """Path below the root, time and size of each object between two keys.

        An object that a console made to stand for a folder is none.
        """
        for page in pages:
            for key, time, size in zip(page.keys, page.times, page.sizes, strict=True):
                if key > until:
                    return
                if key > after and not key.endswith("/"):
                    yield key[self._start :], time, size

    def bounds(self, after: str) -> list[str]:
        """Keys that part what comes after one, by the names of folders."""
        folders: list[str] = [split_url(self._url)[1]]
        for _ in range(_DEPTH):
            pages = (page for folder in folders for page in self.pages(folder, delimiter="/"))
            found = (folder for page in pages for folder in page.folders)
            below = [f for f in found if f > after or after.startswith(f)]
            folders = below or folders
            if len(below) >= _PARTS or not below:
                break
        step = max(len(folders) // _PARTS, 1)
        return [after, *(f for f in sorted(folders)[::step] if f > after), _END]

    def read(self, after: str, until: str) -> tuple[pa.Table, LeftOut]:
        """The photos between two keys, and what else is there."""
        left_out = LeftOut(self._url)
        entries = self.entries(self.pages(start_after=after), after, until)
        return to_listing(left_out.photos_of(entries)), left_out
