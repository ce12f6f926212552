"""Lists the photos in a bucket: in parallel, and compact from the first moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from string import ascii_lowercase, ascii_uppercase, digits
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
    pages = listing.pages()
    if not in_byte_order(root, settings):
        return to_listing(left_out.photos_of(listing.entries(pages)))
    first = list(islice(pages, _FEW))
    tables = [to_listing(left_out.photos_of(listing.entries(first)))]
    if len(first) == _FEW:
        bounds = listing.bounds(first[-1].keys[-1])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for table, found in pool.map(listing.read, *zip(*pairwise(bounds))):
                tables.append(table)
                left_out.merge(found)
    return in_order(pa.concat_tables(tables))


def in_byte_order(root: str, settings: S3Settings) -> bool:
    """Whether keys are listed in the order of their bytes: AWS promises it, others differ."""
    is_directory_bucket = split_url(root)[0].endswith("--x-s3")
    return settings.endpoint_url is None and not is_directory_bucket


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
        """Keys that part what comes after one: folders, and where they are few, names in them."""
        folders = [split_url(self._url)[1]]
        for _ in range(_DEPTH):
            pages = (p for f in folders for p in islice(self.pages(f, delimiter="/"), _FEW))
            found = (folder for page in pages for folder in page.folders)
            below = [f for f in found if f > after or after.startswith(f)]
            if not below:
                break
            folders = below
            if len(folders) >= _PARTS:
                break
        step = max(len(folders) // _PARTS, 1)
        bounds = set(folders[::step])
        if len(folders) < _AT_ONCE:
            for folder in folders:
                first = next(self.pages(folder)).keys
                bounds.update(_neighbours(first[-1], len(folder)) if first else ())
        return [after, *sorted(key for key in bounds if key > after), _END]

    def read(self, after: str, until: str) -> tuple[pa.Table, LeftOut]:
        """The photos between two keys, and what else is there."""
        left_out = LeftOut(self._url)
        entries = self.entries(self.pages(start_after=after), after, until)
        return to_listing(left_out.photos_of(entries)), left_out


def _neighbours(key: str, start: int) -> Iterator[str]:
    """Keys that differ from one in a character after the start, and come after it.

    Of ``a/IMG_0412.jpg`` these are ``a/IMG_1``, ``a/IMG_2`` … and ``a/IMG_05``, ``a/J`` …
    """
    for i in range(start, len(key)):
        for kind in (digits, ascii_lowercase, ascii_uppercase):
            if key[i] in kind:
                yield from (key[:i] + c for c in kind if c > key[i])
