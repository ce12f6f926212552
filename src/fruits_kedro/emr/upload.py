"""Uploads a package to a folder of its own in the bucket: ``package/<id>``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.package import SUMS, Package
from fruits_kedro.errors import FruitsError

LATEST = "latest.json"  # id and hashes of the package that was uploaded last


@dataclass(frozen=True)
class Uploaded:
    """A package in the bucket.

    Attributes:
        id: of its content.
        hashes: sha256 of each file, by its path.
        url: of its folder.
    """

    id: str
    hashes: dict[str, str]
    url: str

    @property
    def sums(self) -> str:
        """The sha256 of the list of all hashes; a node that gets it from here trusts no bucket."""
        return self.hashes[SUMS]


def upload_package(
    aws: Aws, package: Package, root: str, show: Callable[[int, int], None]
) -> list[str]:
    """Upload a package, and note it as the latest; returns the names of the files that were sent.

    Files that the latest one has, too, are copied within the bucket. No other package's folder is
    changed: nodes may be installing from it.

    Args:
        root: below which each package has a folder of its own.
        show: gets the numbers of files done and in all.
    """
    before = find_uploaded(aws, root)
    if before and before.id == package.id:
        return []
    sent = []
    for done, (name, digest) in enumerate(package.hashes.items()):
        show(done, len(package.hashes))
        if before and before.hashes.get(name) == digest:
            aws.copy(f"{before.url}/{name}", f"{root}/{package.id}/{name}")
        else:
            aws.upload(f"{root}/{package.id}/{name}", (package.folder / name).read_bytes())
            sent.append(name)
    manifest = {"id": package.id, "sha256": package.hashes}
    aws.upload(f"{root}/{LATEST}", json.dumps(manifest, indent=1).encode())
    return sent


def find_uploaded(aws: Aws, root: str) -> Uploaded | None:
    """The package that was uploaded last, or None."""
    manifest = aws.download(f"{root}/{LATEST}")
    if manifest is None:
        return None
    found = json.loads(manifest)
    return Uploaded(found["id"], found["sha256"], f"{root}/{found['id']}")


def need_uploaded(aws: Aws, root: str) -> Uploaded:
    """The package that was uploaded last; FruitsError if nothing was."""
    if found := find_uploaded(aws, root):
        return found
    raise FruitsError("Nothing was uploaded yet: kedro emr package, with the same --on")
