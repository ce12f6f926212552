"""Which files of a folder in a bucket are those that one complete job has written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MARK = "_SUCCESS"


# The names of a job's files, or what they have in common, or None: all files of the folder.
Job = frozenset[str] | str | None


def read_manifest(mark: bytes) -> Job:
    """The job that a folder's files are of.

    Args:
        mark: the content of ``_SUCCESS``: a JSON with ``files``, all of them, where our own writer
            made it; with ``filenames``, some of ``part-00000-<job>-c000…``, where S3A's committers
            did; empty where others did.
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
    """The files of a job among those of its folder, in order."""
    if job is None:
        return sorted(names)
    if isinstance(job, frozenset):
        return sorted(name for name in names if name.rpartition("/")[2] in job)
    return sorted(name for name in names if job in name.rpartition("/")[2])
