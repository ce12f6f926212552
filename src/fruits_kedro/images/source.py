"""The interface of a source of photos."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
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

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.root, self.storage_options)

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

    def read_all(
        self, paths: Sequence[str], seconds: float | None = None
    ) -> Iterator[bytes | ImageError]:
        """The bytes of each photo in order, or an ImageError; some are read ahead.

        Args:
            paths: relative to the root, with ``/``.
            seconds: that reading one photo may take: a disk that does not answer costs the photo,
                not the run.

        Raises:
            FruitsError: a bucket's server fails.
        """
        waiting = deque(paths[i : i + self._at_once] for i in range(0, len(paths), self._at_once))
        ahead: deque[Block] = deque()

        def read_ahead() -> None:
            while waiting and len(ahead) < self._readers:
                ahead.append(Block(self._try_read, waiting.popleft()))

        read_ahead()
        while ahead:
            block = ahead.popleft()
            found = block.wait(seconds)
            is_lost = len(found) < len(block.paths)
            if is_lost:
                waiting.appendleft(block.paths[len(found) + 1 :])
                self._connect()  # the thread that hangs may hold what the old connection needs
            read_ahead()
            yield from found
            if is_lost:
                yield ImageError("read", "too_slow", f"no answer within {seconds:g} s")

    def _try_read(self, path: str) -> bytes | ImageError:
        try:
            return self.read(path)
        except ImageError as error:
            return error


class Block:
    """What a thread of its own reads, item by item; one that hangs takes no other with it."""

    def __init__(self, read: Callable[[Any], Any], paths: Sequence[Any]) -> None:
        self.paths = paths
        self._read = read
        self._found: list[Any] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for path in self.paths:
                self._found.append(self._read(path))
        except BaseException as error:
            self._error = error

    def wait(self, seconds: float | None) -> list[Any]:
        """What was read: all of it, or all before the item that took longer."""
        while True:
            before = len(self._found)
            self._thread.join(seconds)
            if not self._thread.is_alive():
                break
            if len(self._found) == before:
                return self._found[:before]
        if self._error is not None:
            raise self._error
        return self._found
