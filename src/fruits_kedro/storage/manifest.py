"""The manifest of a folder: which files the last complete job wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MARK = "_SUCCESS"

# Names of the job's files, or the part they share, or None: all files of the folder.
Job = frozenset[str] | str | None


def read_manifest(mark: bytes) -> Job:
    """The job that wrote a folder, from the content of ``_SUCCESS``.

    Our own writer lists all ``files`` in its JSON. S3A's committers list some ``filenames``, such
    as ``part-00000-<job>-c000…``. Other committers leave it empty.
    """
    try:
        said = json.loads(mark or b"{}")
    except ValueError:
        return None
    if "files" in said:
        return frozenset(said["files"])
    names = said.get("filenames", [])
    found = (re.search(r"/part-\d+-(.+?)[-.]c\d+", name) for name in names)
    return next((match[1] for match in found if match), None)


def manifest_files(job: Job, names: Iterable[str]) -> list[str]:
    """The job's files among those of its folder, sorted."""
    if job is None:
        return sorted(names)
    if isinstance(job, frozenset):
        return sorted(name for name in names if name.rpartition("/")[2] in job)
    return sorted(name for name in names if job in name.rpartition("/")[2])
