"""Logs that EMR put into the bucket: Python tracebacks, and the URLs of all logs."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from itertools import islice

from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.settings import EmrSettings
from fruits_kedro.storage.s3 import split_url

_APPLICATION = re.compile(r"application_\d+_\d+")
_TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):\n(?:(?:[ \t].*)?\n)+?(?=\S)(?:[\w.]+: ?.*|[\w.]+)$",
    re.MULTILINE,
)
_MESSAGE = re.compile(r"^(?:Error: .*(?:\n(?!\d\d/).+){0,5}|BOOTSTRAP FAILED: .*)$", re.MULTILINE)
_MAX_FILES = 200
_MAX_BYTES = 50 * 2**20


@dataclass(frozen=True)
class LogReport:
    """What the logs say.

    Attributes:
        errors: URL of the log and message or traceback, each text once.
        places: URLs of all logs that were read.
    """

    errors: list[tuple[str, str]]
    places: list[str]


def find_errors(text: str) -> list[str]:
    """The project's own messages, then the Python tracebacks of a log, each once."""
    found = [match.group(0).strip() for match in _MESSAGE.finditer(text)]
    found += [match.group(0).strip() for match in _TRACEBACK.finditer(text)]
    return list(dict.fromkeys(found))


def read_logs(aws: Aws, settings: EmrSettings, cluster_id: str, step_id: str | None) -> LogReport:
    """The logs of a step (None: no step), of its containers, and of the bootstrap.

    EMR copies logs to the bucket every five minutes, and when the cluster ends.
    """
    root = f"{settings.log_root}/{cluster_id}"
    texts: dict[str, str] = {}
    if step_id:
        texts |= _read(aws, f"{root}/steps/{step_id}/")
        applications = set(_APPLICATION.findall("\n".join(texts.values())))
        for application in sorted(applications):
            texts |= _read(aws, f"{root}/containers/{application}/")
    texts |= _read(aws, f"{root}/node/", "bootstrap-actions")
    errors: dict[str, str] = {}
    for url, text in texts.items():
        for error in find_errors(text):
            errors.setdefault(error, url)
    ordered = sorted(errors.items(), key=lambda item: "Traceback" not in item[0])
    return LogReport([(url, error) for error, url in ordered], sorted(texts))


def _read(aws: Aws, url: str, part: str = "") -> dict[str, str]:
    """The logs below a URL whose keys have a part; of a huge one the place alone."""
    found = {}
    bucket, _ = split_url(url)
    wanted = (entry for entry in aws.listing(url) if part in entry["Key"])
    for entry in islice(wanted, _MAX_FILES):
        place = f"s3://{bucket}/{entry['Key']}"
        content = (entry["Size"] <= _MAX_BYTES and aws.download(place)) or b""
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        found[place] = content.decode("utf-8", "replace")
    return found
