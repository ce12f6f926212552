"""Copies complete results from the bucket to a folder."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from fruits_kedro.emr.aws import Aws, Object, explained
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.manifest import MARK, manifest_files
from fruits_kedro.storage.s3 import split_url

_LEFT = (".", "01_raw/", "04_feature/extraction_checkpoint/")  # hidden, photos, checkpoint
_INPUT_ROOT = "02_intermediate/input_root.json"
_LINEAGE = "08_reporting/lineage.json"  # of all outputs, not of reports alone
REPORTS = (
    _INPUT_ROOT,
    "02_intermediate/class_counts.csv",
    "04_feature/extraction_counts.csv",
    "08_reporting/",
)


def fetch_results(
    aws: Aws, store: str, folder: Path, reports_only: bool, show: Callable[[int, int], None]
) -> list[Path]:
    """Download a store; returns the paths of its files.

    Of a dataset of several files, those in its manifest (``_SUCCESS``) replace what was in the
    folder. The extraction checkpoint and packed photos are not fetched. A local file of the same
    size that is newer is kept.

    Args:
        store: root of the results in the bucket.
        reports_only: counts, plots and tables only.
        show: gets the numbers of files done and in all.

    Raises:
        FruitsError: there are no results, a dataset is incomplete, or the folder holds results of
            other photos.
    """
    check_same_photos(aws, store, folder)
    entries = _entries(aws, store, reports_only)
    datasets = _datasets(list(entries))
    for dataset, names in datasets.items():
        manifest = aws.download(f"{store}/{dataset}/{MARK}")
        if manifest is None:
            raise FruitsError(
                f"{store}/{dataset} is not complete (it has no {MARK}): a run is still writing "
                "it, or was interrupted. Nothing was fetched."
            )
        kept = {*manifest_files(manifest, f"{store}/{dataset}", names), f"{dataset}/{MARK}"}
        for name in names - kept:
            del entries[name]
        names &= kept
    # Manifests last: a copy that is interrupted does not count as complete.
    for done, name in enumerate(sorted(entries, key=lambda name: name.endswith(MARK))):
        show(done, len(entries))
        if not _is_current(folder / name, entries[name]):
            _download(aws, store, name, folder / name)
    for dataset, names in datasets.items():
        for path in (folder / dataset).iterdir():
            if path.is_file() and f"{dataset}/{path.name}" not in names:
                path.unlink()  # an earlier run's
    return [folder / name for name in entries]


def check_same_photos(aws: Aws, store: str, folder: Path) -> None:
    """Raise FruitsError if the folder has results of photos that the store was not made from."""
    here = folder / _INPUT_ROOT
    there = aws.download(f"{store}/{_INPUT_ROOT}")
    if here.is_file() and there and json.loads(there) != json.loads(here.read_bytes()):
        photos = json.loads(here.read_bytes())["images"]
        raise FruitsError(
            f"{folder} has results of the photos in {photos}, which these would replace.\n"
            "Give another folder: --output <folder>."
        )


def _entries(aws: Aws, store: str, reports_only: bool) -> dict[str, Object]:
    _, prefix = split_url(store)
    entries = {}
    for entry in aws.listing(f"{store}/"):
        name = entry.key[len(prefix) :].strip("/")
        is_left = name.startswith(_LEFT) or "/." in name
        wanted = not reports_only or (name.startswith(REPORTS) and name != _LINEAGE)
        if wanted and not is_left and not entry.key.endswith("/"):
            entries[name] = entry
    if not entries:
        raise FruitsError(f"There are no results in {store}.")
    return entries


def _download(aws: Aws, store: str, name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bucket, key = split_url(f"{store}/{name}")
    part = path.with_name(f".{path.name}.part")
    try:
        with explained(f"fetching {store}/{name}"), part.open("wb") as file:
            shutil.copyfileobj(aws.s3.get_object(Bucket=bucket, Key=key)["Body"], file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _is_current(path: Path, entry: Object) -> bool:
    if not path.is_file():
        return False
    stat = path.stat()
    newer = stat.st_mtime >= entry.modified.timestamp()
    return bool(stat.st_size == entry.size and newer)


def _datasets(names: list[str]) -> dict[str, set[str]]:
    folders = defaultdict(set)
    for name in names:
        folders[name.rpartition("/")[0]].add(name)
    return {
        folder: members
        for folder, members in folders.items()
        if any(member.rpartition("/")[2].startswith(("part-", MARK)) for member in members)
    }
