"""Uploads the package; deletes package, logs and unfinished uploads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.package import MANIFEST, Package
from fruits_kedro.emr.settings import EmrSettings
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import split_url


def upload_package(
    aws: Aws, package: Package, root: str, show: Callable[[int, int], None]
) -> list[str]:
    """Upload the files that changed, the manifest last; returns their names.

    ``show`` gets the numbers of files done and in all.
    """
    manifest = aws.download(f"{root}/{MANIFEST}")
    known = json.loads(manifest)["sha256"] if manifest else {}
    changed = [name for name, digest in package.hashes.items() if known.get(name) != digest]
    for done, name in enumerate(changed):
        show(done, len(changed))
        aws.upload(f"{root}/{name}", (package.folder / name).read_bytes())
    stale = set(known) - set(package.hashes)
    bucket, prefix = split_url(root)
    for name in stale:
        with explained(f"deleting {root}/{name}"):
            aws.s3.delete_object(Bucket=bucket, Key=f"{prefix}/{name}")
    if changed or stale:
        aws.upload(f"{root}/{MANIFEST}", package.manifest.encode())
    return changed


def uploaded_id(aws: Aws, root: str) -> str:
    """The id of the package that nodes install now; FruitsError if nothing was uploaded."""
    manifest = aws.download(f"{root}/{MANIFEST}")
    if manifest is None:
        raise FruitsError("Nothing was uploaded yet: kedro emr package")
    return str(json.loads(manifest)["id"])


@dataclass(frozen=True)
class Leftovers:
    """What can be deleted.

    Attributes:
        keys: of objects.
        uploads: keys and ids of unfinished uploads.
        lines: the same in words.
    """

    keys: list[str]
    uploads: list[tuple[str, str]]
    lines: list[str]


def to_delete(aws: Aws, settings: EmrSettings) -> Leftovers:
    """The package, the logs, and the unfinished uploads of either."""
    keys, uploads, lines = [], [], []
    for root in (settings.package_root, settings.log_root):
        entries = list(aws.listing(f"{root}/"))
        keys += [entry["Key"] for entry in entries]
        size = sum(entry["Size"] for entry in entries)
        lines.append(f"{root}: {len(entries):,} objects, {size / 1e6:,.1f} MB")
        found = _unfinished(aws, root)
        uploads += found
        lines.append(f"{root}: {len(found):,} unfinished uploads")
    return Leftovers(keys, uploads, lines)


def _unfinished(aws: Aws, root: str) -> list[tuple[str, str]]:
    bucket, prefix = split_url(root)
    with explained(f"listing unfinished uploads below {root}"):
        pages = aws.s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Prefix=f"{prefix}/"
        )
        return [(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", [])]


def delete_all(aws: Aws, bucket: str, found: Leftovers) -> None:
    """Delete them, 1,000 keys at a time."""
    with explained("deleting"):
        for start in range(0, len(found.keys), 1000):
            keys = [{"Key": key} for key in found.keys[start : start + 1000]]
            done = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if failed := done.get("Errors"):
                first = f"{failed[0]['Key']}: {failed[0].get('Message', failed[0]['Code'])}"
                raise FruitsError(f"{len(failed):,} objects were not deleted, such as {first}.")
        for key, upload in found.uploads:
            aws.s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
