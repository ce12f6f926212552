"""Photos in archives, zip or tar: read in ranges, never unpacked."""

from __future__ import annotations

import bisect
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.indexed import IndexedImages
from fruits_kedro.images.listing import EPOCH, LeftOut, to_time

SUFFIXES = (".zip", ".tar")
_GAP = 2**16  # bytes that are read in vain sooner than with another request
# Who takes so many photos in a row takes the next ones, too: these bytes after them are read, too.
_IN_A_ROW, _AHEAD = 32, 2**23
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


class ArchivedImages(IndexedImages):
    """The photos in a zip or tar file, or in several: ``shards-{000..131}.tar``.

    The bytes that a photo takes in its archive begin at ``start`` and end before ``end``.
    """

    where = pa.schema(
        [
            *(("file", pa.int32()), ("start", pa.int64()), ("end", pa.int64())),
            *(("method", pa.int16()), ("crc", pa.int64()), ("fault", pa.string())),
        ]
    )

    def _connect(self) -> None:
        super()._connect()
        self._ahead = (-1, 0, b"")  # file, start, content

    def _scan(self, file: Any, name: str, number: int, left_out: LeftOut) -> Iterator[_Member]:
        scan = _scan_zip if name.lower().endswith(".zip") else _scan_tar
        return scan(file, number, left_out)

    def _read_rows(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes | ImageError]]:
        members = [_Member(*row.values()) for row in rows]
        for one in members:
            if one.fault:
                reason, _, detail = one.fault.partition(": ")
                yield one.path, ImageError("read", reason, detail)
        usable = [one for one in members if not one.fault]
        for run in _runs(sorted(usable, key=lambda one: (one.file, one.start))):
            start, content = run[0].start, self._fetch(run)
            for one in run:
                yield one.path, _unpack(one, content[one.start - start : one.end - start])

    def _fetch(self, run: list[_Member]) -> bytes:
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


def is_archive(root: str) -> bool:
    """Whether a root names archives."""
    return root.lower().endswith(SUFFIXES)


def _scan_zip(file: Any, number: int, left_out: LeftOut) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        starts = sorted({one.header_offset for one in entries} | {archive.start_dir})
        for one in entries:
            if one.is_dir():
                continue
            end = starts[bisect.bisect_right(starts, one.header_offset)]
            name = one.filename
            if "/" not in name:  # some programs of Windows write it so
                name = name.replace("\\", "/")
            path, fault = _path_of(name)
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
