"""Writes archives: equal files give equal bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable
from typing import IO


def write_tar_gz(
    file: IO[bytes], entries: Iterable[tuple[str, bytes, int]], level: int = 9
) -> None:
    """Write a ``tar.gz``.

    Args:
        file: an open file.
        entries: name, content and mode of each, in order.
        level: of gzip: 9 is the smallest, 1 the fastest.
    """
    with (
        gzip.GzipFile("", "wb", level, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, content, mode in entries:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
