"""Logs that EMR put into the bucket, and the errors in them."""

from __future__ import annotations

import gzip
import io
import re
from collections import deque
from itertools import islice

from fruits_kedro.emr.aws import Aws
from fruits_kedro.storage.s3 import split_url

_APPLICATION = re.compile(r"application_\d+_\d+")
_TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):\n(?:(?:[ \t].*)?\n)+?(?=\S)(?:[\w.]+: ?.*|[\w.]+)$",
    re.MULTILINE,
)
_MESSAGE = re.compile(r"^(?:Error: .*(?:\n(?!\d\d/).+){0,5}|BOOTSTRAP FAILED: .*)$", re.MULTILINE)
_MAX_FILES = 200
_MAX_BYTES = 50 * 2**20


def report_errors(texts: dict[str, str]) -> list[tuple[str, str]]:
    """URL of the log and message or traceback, each text once, tracebacks first.

    Args:
        texts: of the logs, by their URLs.
    """
    errors: dict[str, str] = {}
    for url, text in texts.items():
        for match in (*_MESSAGE.finditer(text), *_TRACEBACK.finditer(text)):
            errors.setdefault(match[0].strip(), url)
    ordered = sorted(errors.items(), key=lambda item: "Traceback" not in item[0])
    return [(url, error) for error, url in ordered]


def read_cluster_logs(aws: Aws, root: str, step_id: str | None) -> dict[str, str]:
    """The logs of a step (None: no step), of its containers, and of the bootstrap, by their URLs.

    EMR copies logs to the bucket every five minutes, and when the cluster ends.

    Args:
        root: URL of the cluster's logs.
    """
    texts: dict[str, str] = {}
    if step_id:
        texts |= read_logs(aws, f"{root}/steps/{step_id}/")
        applications = set(_APPLICATION.findall("\n".join(texts.values())))
        for application in sorted(applications):
            texts |= read_logs(aws, f"{root}/containers/{application}/")
    return texts | read_logs(aws, f"{root}/node/", "bootstrap-actions")


def read_logs(aws: Aws, url: str, part: str = "") -> dict[str, str]:
    """The logs below a URL whose keys have a part; of a huge one the place alone."""
    found = {}
    bucket, _ = split_url(url)
    wanted = (entry for entry in aws.listing(url) if part in entry.key)
    for entry in islice(wanted, _MAX_FILES):
        place = f"s3://{bucket}/{entry.key}"
        content = (entry.size <= _MAX_BYTES and aws.download(place)) or b""
        if content[:2] == b"\x1f\x8b":
            content = _unpacked_end(content)
        found[place] = content.decode("utf-8", "replace")
    return found


def _unpacked_end(content: bytes) -> bytes:
    """The end of what a log unpacks to, which may be a hundred times its size."""
    with gzip.open(io.BytesIO(content)) as file:
        return b"".join(deque(iter(lambda: file.read(2**20), b""), maxlen=_MAX_BYTES // 2**20))
