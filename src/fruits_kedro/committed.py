"""Which files of a folder in a bucket are those that one complete job has written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MARK = "_SUCCESS"


def job_of(mark: bytes) -> str | None:
    """What the names of one job's files have in common: ``part-00000-<this>-c000…``.

    Args:
        mark: the content of ``_SUCCESS``: a JSON with ``filenames`` where S3A's committers wrote
            it, empty where others did.

    Returns:
        The job, or None where the mark names none: then all files of the folder are its.
    """
    try:
        names = json.loads(mark or b"{}").get("filenames", [])
    except ValueError:
        return None
    found = (re.search(r"/part-\d+-(.+?)[-.]c\d+", name) for name in names)
    return next((match[1] for match in found if match), None)


def files_of(job: str | None, names: Iterable[str]) -> list[str]:
    """The files of a job among those of its folder, in order; all of them where it is None."""
    return sorted(name for name in names if job is None or job in name.rpartition("/")[2])
