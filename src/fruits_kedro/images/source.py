"""The interface of a source of photos."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fruits_kedro.errors import ImageError
from fruits_kedro.storage.filesystem import is_url, local_path

LISTING_SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("modificationTime", pa.timestamp("us", tz="UTC")),
        ("length", pa.int64()),
    ]
)
PACKED_SUFFIX = ".parquet"


@dataclass
class ImageSource(ABC):
    """The photos below a root. Picklable: the workers read through it.

    Attributes:
        root: a local path or a URL that fsspec knows (``s3://bucket/photos``).
        storage_options: for fsspec: keys, endpoint …
    """

    root: str
    storage_options: dict[str, Any] = field(default_factory=dict)
    # Threads that read ahead, and photos per hand-over: one by one would cost what threads gain.
    _readers = 1
    _at_once = 16

    def __post_init__(self) -> None:
        self._connect()

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "storage_options": self.storage_options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._connect()

    @abstractmethod
    def _connect(self) -> None:
        """Prepare what reading needs and a pickle does not hold."""

    @property
    def origin(self) -> str:
        """The folder or URL that the photos come from, by whatever name or link it was given."""
        return self.root if is_url(self.root) else os.path.realpath(local_path(self.root))

    @abstractmethod
    def check(self) -> None:
        """Raise FruitsError unless photos can be read here."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is anything at the root."""

    @abstractmethod
    def list(self) -> pa.Table:
        """List the photos, ordered by path; reads no content.

        Returns:
            A table of ``path`` (relative, with ``/``), ``modificationTime`` (UTC) and ``length``
            (bytes), as Spark's ``binaryFile`` without the content.

        Raises:
            FruitsError: the root is missing, cannot be listed, or holds no photo.
        """

    @abstractmethod
    def read(self, path: str) -> bytes:
        """The bytes of one photo; ``path`` is relative to the root, with ``/``.

        Raises:
            ImageError: stage ``read``, and why the photo cannot be read.
            FruitsError: a bucket's server fails, which is not the photo's fault.
        """

    def read_all(self, paths: Sequence[str]) -> Iterator[bytes | ImageError]:
        """The bytes of photos in order, or the ImageError of each; reads some ahead.

        Raises:
            FruitsError: a bucket's server fails.
        """
        ahead: deque[Future[Sequence[bytes | ImageError]]] = deque()
        with ThreadPoolExecutor(self._readers) as pool:
            for start in range(0, len(paths), self._at_once):
                some = paths[start : start + self._at_once]
                ahead.append(pool.submit(self._try_each, some))
                if len(ahead) > self._readers:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()

    def _try_each(self, paths: Sequence[str]) -> Sequence[bytes | ImageError]:
        return [self._try_read(path) for path in paths]

    def _try_read(self, path: str) -> bytes | ImageError:
        try:
            return self.read(path)
        except ImageError as error:
            return error
