"""Photos of which an index tells where they lie, in a few large files."""

from __future__ import annotations

import bisect
import functools
import itertools
import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.listing import LeftOut
from fruits_kedro.images.source import LISTING_SCHEMA, Block, ImageSource
from fruits_kedro.storage.filesystem import file_system

_SHARDS = re.compile(r"\{(\d+)\.\.(\d+)\}")  # as WebDataset names them
_PHOTOS, _BYTES = 256, 2**23  # that are read at once
_BLOCK = 2**24  # of a file that is listed
State = tuple[int, str]
_Photo = tuple[str, int | None]  # its path, and its row of the index


class IndexedImages(ImageSource):
    """Photos in a few files, which are listed once: the index goes with the source to the workers.

    Attributes:
        where: the columns of the index that tell where a photo lies; the first is ``file``.
    """

    where: pa.Schema

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_index, (type(self), self.root, self.storage_options, self._index, self._states)

    def _connect(self) -> None:
        self._fs, place = file_system(self.root, self.storage_options)
        self._names = self._expand(place)
        self._checked: set[int] = set()

    def _expand(self, place: str) -> list[str]:
        """The files: ``a-{00..02}.tar`` are three."""
        return expand(place)

    @abstractmethod
    def _scan(self, file: Any, name: str, number: int, left_out: LeftOut) -> Iterable[Any]:
        """The photos of an open file: path, time, length, and the columns of ``where``.

        Raises:
            Exception: the file is damaged.
        """

    @abstractmethod
    def _read_rows(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes | ImageError]]:
        """The path and the bytes of each photo of these rows of the index, in any order."""

    def _one_of_each(self, table: pa.Table) -> pa.Table:
        """The index in the order of paths, each once."""
        return last_of_each(self.root, table)

    @functools.cached_property
    def _states(self) -> list[State]:
        """What changes with the files."""
        return [self._state(name) for name in self._names]

    @functools.cached_property
    def _index(self) -> pa.Table:
        states = json.dumps(self._states)
        return _index_of(type(self), self.root, json.dumps(self.storage_options), states)

    def _state(self, name: str) -> State:
        try:
            found = self._fs.info(name)
        except FileNotFoundError:
            raise FruitsError(f"There is no file {name} (images={self.root}).") from None
        except Exception as error:
            raise FruitsError(f"The photos in {self.root} cannot be reached: {error}") from None
        return found["size"], str(found.get("mtime") or found.get("ETag"))

    def exists(self) -> bool:
        """Whether all files are there."""
        return bool(self._names) and all(self._fs.exists(name) for name in self._names)

    def check(self) -> None:
        """Raise FruitsError unless all files are there."""
        if not self._states:  # each file was asked for
            raise FruitsError(f"There are no files {self.root}.")

    def list(self) -> pa.Table:
        """List the photos, as :meth:`ImageSource.list`.

        Raises:
            FruitsError: also where a file is damaged, or two files have the same path.
        """
        self._connect()
        for known in ("_states", "_index"):  # the files may have changed
            self.__dict__.pop(known, None)
        self.check()
        return self._index.select(LISTING_SCHEMA.names)

    def read(self, path: str) -> bytes:
        """Read one photo, as :meth:`ImageSource.read`."""
        (found,) = self._read([(path, self._find(path))])
        if isinstance(found, ImageError):
            raise found
        return found

    def read_all(
        self, paths: Sequence[str], seconds: float | None = None
    ) -> Iterator[bytes | ImageError]:
        """Read photos, as :meth:`ImageSource.read_all`, some hundred in one go."""
        for some in self._together((path, self._find(path)) for path in paths):
            read = Block(self._read, [some]).wait(seconds)
            if not read:
                self._connect()  # the thread that hangs may hold what the old connection needs
                slow = ImageError("read", "too_slow", f"no answer within {seconds:g} s")
                read = [[slow] * len(some)]
            yield from read[0]

    def _together(self, photos: Iterable[_Photo]) -> Iterator[Sequence[_Photo]]:
        some: list[_Photo] = []
        size = 0
        for path, row in photos:
            length = self._index["length"][row].as_py() if row is not None else 0
            if some and (len(some) == _PHOTOS or size + length > _BYTES):
                yield some
                some, size = [], 0
            some.append((path, row))
            size += length
        if some:
            yield some

    def _find(self, path: str) -> int | None:
        column = self._index["path"]
        rows = range(len(column))
        row = bisect.bisect_left(rows, path, key=lambda i: column[i].as_py())
        return row if row < len(rows) and column[row].as_py() == path else None

    def _read(self, photos: Sequence[_Photo]) -> Sequence[bytes | ImageError]:
        rows = [row for _, row in photos if row is not None]
        asked = self._index.take(pa.array(rows, pa.int64())).to_pylist()
        for file in {row["file"] for row in asked} - self._checked:
            if self._state(self._names[file]) != tuple(self._states[file]):
                raise FruitsError(f"{self._names[file]} has changed since it was listed.")
            self._checked.add(file)
        missing = ImageError("read", "missing", f"not in {self.root}")
        found = dict(self._read_rows(asked))
        return [found.get(path, missing) for path, _ in photos]


def expand(root: str) -> list[str]:
    """The files that a root names: ``a-{00..02}.tar`` are three."""
    shards = _SHARDS.search(root)
    if shards is None:
        return [root]
    first, last = shards.groups()
    before, after = root[: shards.start()], root[shards.end() :]
    return [f"{before}{i:0{len(first)}}{after}" for i in range(int(first), int(last) + 1)]


def _with_index(
    kind: type[IndexedImages], root: str, options: Any, index: pa.Table, states: list[State]
) -> IndexedImages:
    source = kind(root, options)
    source.__dict__ |= {"_index": index, "_states": states}
    return source


@functools.lru_cache(maxsize=2)
def _index_of(kind: type[IndexedImages], root: str, options: str, states: str) -> pa.Table:
    """The index of files in this state, ordered by path."""
    source = kind(root, json.loads(options))
    schema = pa.unify_schemas([LISTING_SCHEMA, kind.where])
    left_out, batches = LeftOut(root), []
    for i, name in enumerate(source._names):
        try:
            with source._fs.open(name, "rb", block_size=_BLOCK) as file:
                members = left_out.photos_of(source._scan(file, name, i, left_out))
                while some := list(itertools.islice(members, 5_000)):
                    columns = [pa.array(v, f.type) for v, f in zip(zip(*some), schema)]
                    batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        except FruitsError:
            raise
        except Exception as error:
            raise FruitsError(
                f"{name} is damaged, or not whole: {error}.\nNo photo of it is taken, since nobody "
                "can tell how many it lacks."
            ) from error
    left_out.log()
    table = pa.Table.from_batches(batches, schema)
    if not table.num_rows:
        raise FruitsError(f"There are no photos in {root}.")
    return source._one_of_each(table)


def last_of_each(root: str, table: pa.Table) -> pa.Table:
    """Rows in the order of paths; of those with the same path, the last, as when unpacked.

    Raises:
        FruitsError: two files have the same path.
    """
    table = table.take(pc.sort_indices(table["path"]))  # stable
    paths, files = table["path"].combine_chunks(), table["file"].to_numpy()
    same = pc.equal(paths[:-1], paths[1:]).to_numpy(zero_copy_only=False)
    twice = np.flatnonzero(same & (files[:-1] != files[1:]))
    if len(twice):
        path = paths[int(twice[0])].as_py()
        raise FruitsError(
            f"Several files of {root} have the photo {path}: nobody can tell which one counts.\n"
            "Leave one of them out, or give it another name."
        )
    return table.filter(pa.array(np.append(~same, True)))
