"""Deletes packages, logs and unfinished uploads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.settings import EmrSettings
from fruits_kedro.emr.upload import LATEST
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import split_url

_UNFINISHED = timedelta(days=1)  # an upload that is younger may still be going on


Uploads = list[tuple[str, str]]  # keys and ids


def to_delete(aws: Aws, settings: EmrSettings) -> tuple[list[str], Uploads, list[str]]:
    """The packages, the logs, and the unfinished uploads of either that are older than a day.

    Returns:
        The keys of objects, the uploads, and both in words.
    """
    keys: list[str] = []
    uploads: Uploads = []
    lines = []
    for root in (settings.package_root, settings.log_root):
        entries = list(aws.listing(f"{root}/"))
        found_keys = [entry.key for entry in entries]
        keys += sorted(found_keys, key=lambda key: not key.endswith(LATEST))  # it names the others
        size = sum(entry.size for entry in entries)
        lines.append(f"{root}: {len(entries):,} objects, {size / 1e6:,.1f} MB")
        found = _unfinished(aws, root)
        uploads += found
        lines.append(f"{root}: {len(found):,} unfinished uploads, older than a day")
    return keys, uploads, lines


def _unfinished(aws: Aws, root: str) -> Uploads:
    bucket, prefix = split_url(root)
    limit = datetime.now(UTC) - _UNFINISHED
    with explained(f"listing unfinished uploads below {root}"):
        pages = aws.s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Prefix=f"{prefix}/"
        )
        found = [upload for page in pages for upload in page.get("Uploads", [])]
    return [(one["Key"], one["UploadId"]) for one in found if one["Initiated"] < limit]


def delete_all(aws: Aws, bucket: str, keys: list[str], uploads: Uploads) -> None:
    """Delete them, 1,000 keys at a time.

    Raises:
        FruitsError: S3 did not delete some of them.
    """
    with explained("deleting"):
        for start in range(0, len(keys), 1000):
            some = [{"Key": key} for key in keys[start : start + 1000]]
            done = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            if failed := done.get("Errors"):
                first = f"{failed[0]['Key']}: {failed[0].get('Message', failed[0]['Code'])}"
                raise FruitsError(f"{len(failed):,} objects were not deleted, such as {first}.")
        for key, upload in uploads:
            aws.s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
