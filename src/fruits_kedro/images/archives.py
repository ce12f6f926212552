"""Photos in archives, zip or tar: read in ranges, never unpacked."""

from __future__ import annotations

import bisect
import functools
import itertools
import json
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.listing import EPOCH, LeftOut, to_time
from fruits_kedro.images.source import LISTING_SCHEMA, Block, ImageSource
from fruits_kedro.storage.filesystem import file_system

SUFFIXES = (".zip", ".tar")
_SHARDS = re.compile(r"\{(\d+)\.\.(\d+)\}")  # as WebDataset names them
_PHOTOS, _BYTES = 256, 2**23  # that are read at once
_GAP = 2**16  # bytes that are read in vain sooner than with another request
# Who takes so many photos in a row takes the next ones, too: these bytes after them are read, too.
_IN_A_ROW, _AHEAD = 32, 2**23
_BLOCK = 2**24  # of a listing: a tar has its names all over it

# The bytes that a photo takes in its archive begin at ``start`` and end before ``end``.
_WHERE = pa.schema(
    [
        *(("file", pa.int32()), ("start", pa.int64()), ("end", pa.int64())),
        *(("method", pa.int16()), ("crc", pa.int64()), ("fault", pa.string())),
    ]
)
_IS_TAR = -1  # in the place of zip's method of compression


class _Member(NamedTuple):
    """A row of the index: where a photo lies, or why it cannot be read."""

    path: str
    modified_at: datetime
    length: int
    file: int
    start: int
    end: int
    method: int
    crc: int
    fault: str | None


class ArchivedImages(ImageSource):
    """The photos in a zip or tar file, or in several: ``shards-{000..131}.tar``."""

    @functools.cached_property
    def _index(self) -> pa.Table:
        state = json.dumps([self._state(name) for name in self._names])
        return _index_of(self.root, json.dumps(self.storage_options), state)

    def _state(self, name: str) -> tuple[int, str]:
        """What changes with an archive."""
        try:
            found = self._fs.info(name)
        except FileNotFoundError:
            raise FruitsError(f"There is no archive {name} (images={self.root}).") from None
        except Exception as error:
            raise FruitsError(f"The photos in {self.root} cannot be reached: {error}") from None
        return found["size"], str(found.get("mtime") or found.get("ETag"))

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_index, (self.root, self.storage_options, self._index)

    def _connect(self) -> None:
        self._fs, first = file_system(self.root, self.storage_options)
        self._names = expand(first)
        self._ahead = (-1, 0, b"")  # file, start, content

    def exists(self) -> bool:
        """Whether all archives are there."""
        return all(self._fs.exists(name) for name in self._names)

    def check(self) -> None:
        """Raise FruitsError unless all archives are there."""
        for name in self._names:
            self._state(name)

    def list(self) -> pa.Table:
        """List the photos, as :meth:`ImageSource.list`.

        Raises:
            FruitsError: also where an archive is damaged, or two archives have the same path.
        """
        self.__dict__.pop("_index", None)  # they may have changed
        return self._index.select(LISTING_SCHEMA.names)

    def read(self, path: str) -> bytes:
        """Read one photo, as :meth:`ImageSource.read`."""
        (found,) = self._read([path])
        if isinstance(found, ImageError):
            raise found
        return found

    def read_all(
        self, paths: Sequence[str], seconds: float | None = None
    ) -> Iterator[bytes | ImageError]:
        """Read photos, as :meth:`ImageSource.read_all`, some hundred in one go."""
        for some in self._together(paths):
            read = Block(self._read, [some]).wait(seconds)
            if not read:
                self._connect()  # the thread that hangs may hold what the old connection needs
                read = [
                    [ImageError("read", "too_slow", f"no answer within {seconds:g} s")] * len(some)
                ]
            yield from read[0]

    def _together(self, paths: Sequence[str]) -> Iterator[Sequence[str]]:
        some: list[str] = []
        size = 0
        for path in paths:
            row = self._find(path)
            length = self._index["length"][row].as_py() if row is not None else 0
            if some and (len(some) == _PHOTOS or size + length > _BYTES):
                yield some
                some, size = [], 0
            some.append(path)
            size += length
        if some:
            yield some

    def _find(self, path: str) -> int | None:
        column = self._index["path"]
        rows = range(len(column))
        row = bisect.bisect_left(rows, path, key=lambda i: column[i].as_py())
        return row if row < len(rows) and column[row].as_py() == path else None

    def _read(self, paths: Sequence[str]) -> Sequence[bytes | ImageError]:
        found: dict[str, bytes | ImageError] = {}
        members = []
        for path in paths:
            row = self._find(path)
            if row is None:
                found[path] = ImageError("read", "missing", f"not in {self.root}")
                continue
            member = _Member(*self._index.slice(row, 1).to_pylist()[0].values())
            if member.fault:
                reason, _, detail = member.fault.partition(": ")
                found[path] = ImageError("read", reason, detail)
            else:
                members.append(member)
        members.sort(key=lambda one: (one.file, one.start))
        for run in _runs(members):
            start, content = run[0].start, self._fetch(run)
            for one in run:
                found[one.path] = _unpack(one, content[one.start - start : one.end - start])
        return [found[path] for path in paths]

    def _fetch(self, run: Sequence[_Member]) -> bytes:
        """The bytes of members that lie near each other."""
        file, start, end = run[0].file, run[0].start, run[-1].end
        known, begin, content = self._ahead
        if known == file and begin <= start and end <= begin + len(content):
            return content[start - begin : end - begin]
        is_long = len(run) >= _IN_A_ROW
        try:
            content = self._fs.cat_file(self._names[file], start=start, end=end + _AHEAD * is_long)
        except Exception as error:
            raise FruitsError(f"{self.root} could not be read: {error!r}") from error
        if is_long:
            self._ahead = file, start, content
        return bytes(content[: end - start])


def expand(root: str) -> list[str]:
    """The archives that a root names: ``a-{00..02}.tar`` are three."""
    shards = _SHARDS.search(root)
    if shards is None:
        return [root]
    first, last = shards.groups()
    numbers = range(int(first), int(last) + 1)
    return [
        root[: shards.start()] + str(i).zfill(len(first)) + root[shards.end() :] for i in numbers
    ]


def is_archive(root: str) -> bool:
    """Whether a root names archives."""
    return root.lower().endswith(SUFFIXES)


def _with_index(root: str, options: dict[str, Any], index: pa.Table) -> ArchivedImages:
    source = ArchivedImages(root, options)
    source.__dict__["_index"] = index
    return source


@functools.lru_cache(maxsize=2)
def _index_of(root: str, options: str, state: str) -> pa.Table:
    """The index of archives in this state, ordered by path."""
    fs, place = file_system(root, json.loads(options))
    left_out = LeftOut(root)
    tables = []
    for i, name in enumerate(expand(place)):
        scan = _scan_zip if name.lower().endswith(".zip") else _scan_tar
        try:
            with fs.open(name, "rb", block_size=_BLOCK) as file:
                tables.append(_to_table(left_out.photos_of(scan(file, i, left_out))))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, struct.error) as error:
            raise FruitsError(
                f"The archive {name} is damaged, or not whole: {error}.\nNo photo of it is taken, "
                "since nobody can tell how many it lacks."
            ) from error
    left_out.log()
    return _last_of_each(root, pa.concat_tables(tables))


def _to_table(members: Iterator[Any]) -> pa.Table:
    schema = pa.unify_schemas([LISTING_SCHEMA, _WHERE])
    batches = []
    while some := list(itertools.islice(members, 5_000)):
        columns = [pa.array(values, kind.type) for values, kind in zip(zip(*some), schema)]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _last_of_each(root: str, table: pa.Table) -> pa.Table:
    """Rows in the order of paths; of those with the same path, the last, as when unpacked."""
    if not table.num_rows:
        raise FruitsError(f"There are no photos in {root}.")
    order = pc.sort_indices(table["path"]).to_numpy()  # stable
    table = table.take(order)
    paths = table["path"].combine_chunks()
    same = pc.equal(paths[:-1], paths[1:]).to_numpy(zero_copy_only=False)
    files = table["file"].to_numpy()
    if (same & (files[:-1] != files[1:])).any():
        twice = paths[int(np.flatnonzero(same & (files[:-1] != files[1:]))[0])].as_py()
        raise FruitsError(f"Several archives of {root} have the photo {twice}.")
    return table.filter(pa.array(np.append(~same, True)))


def _scan_zip(file: Any, number: int, left_out: LeftOut) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        starts = sorted({one.header_offset for one in entries} | {archive.start_dir})
        for one in entries:
            if one.is_dir():
                continue
            end = starts[bisect.bisect_right(starts, one.header_offset)]
            path, fault = _path_of(one.filename)
            if one.flag_bits & 1:
                fault = "unreadable: it is encrypted"
            elif one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                fault = f"unreadable: compressed by method {one.compress_type}"
            elif stat.S_ISLNK(one.external_attr >> 16):
                fault = "outside_root: a link in an archive"
            try:
                modified = datetime(*one.date_time, tzinfo=UTC)
            except ValueError:
                modified = EPOCH
            where = number, one.header_offset, end, one.compress_type, one.CRC
            yield _Member(path, modified, one.file_size, *where, fault)


def _scan_tar(file: Any, number: int, left_out: LeftOut) -> Iterator[_Member]:
    size = file.seek(0, 2)
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (one := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # there may be a million
            if one.isdir():
                continue
            path, fault = _path_of(one.name)
            if one.issym() or one.islnk():
                fault = "outside_root: a link in an archive"
            elif one.issparse():
                fault = "unreadable: a file with holes"
            elif not one.isreg():
                left_out.add("pipes, sockets and devices")
                continue
            end = one.offset_data + one.size
            if fault is None and end > size:
                raise tarfile.ReadError("it ends within a file")
            yield _Member(
                path, to_time(one.mtime), one.size, number, one.offset_data, end, _IS_TAR, 0, fault
            )
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end is missing")


def _path_of(name: str) -> tuple[str, str | None]:
    """The path of an entry below the root, and what is wrong with it."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        return name, f"outside_root: {name}"
    return "/".join(parts), None


def _runs(members: list[_Member]) -> Iterator[list[_Member]]:
    """Members that one request reads: they lie near each other."""
    run: list[_Member] = []
    for one in members:
        if run and (one.file != run[-1].file or one.start - run[-1].end > _GAP):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _unpack(member: _Member, content: bytes) -> bytes | ImageError:
    """A photo's bytes, from those that it takes in its archive."""
    if member.method == _IS_TAR:
        return content
    name, extra = struct.unpack("<HH", content[26:30])
    data = content[30 + name + extra :]
    if not content.startswith(b"PK\x03\x04"):
        return ImageError("read", "unreadable", "the archive has no such entry there")
    if member.method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-15).decompress(data, member.length + 1)
        except zlib.error as error:
            return ImageError("read", "unreadable", error)
    else:
        data = data[: member.length]
    if len(data) != member.length or zlib.crc32(data) != member.crc:
        return ImageError("read", "unreadable", "its checksum in the archive is another")
    return data
