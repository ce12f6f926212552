"""Photos in a bucket, packed into Parquet and in tar files: seconds in turn, and requests.

    python benchmarks/archives.py --images ../shared/data/fruits-360/Test

starts SeaweedFS with a folder's photos, 513 in a tar file, extracts from both in turn,
and writes benchmarks/results/archives.md.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
from pathlib import Path
from statistics import median

from s3_requests import BUCKET, CountingProxy, S3Server, start_proxy
from whole_run import kedro_run, usable_cores, write_results

_IN_A_TAR = 513  # 132 files for 67,692 photos


def write_tars(images: Path, folder: Path) -> tuple[int, int, str]:
    """Tar files of all photos, in order of their paths; photos, files, and a pattern of these."""
    photos = sorted(path for path in images.rglob("*") if path.is_file())
    folder.mkdir()
    last = (len(photos) - 1) // _IN_A_TAR
    for number in range(last + 1):
        with tarfile.open(folder / f"{number:03d}.tar", "w") as archive:
            for path in photos[number * _IN_A_TAR :][:_IN_A_TAR]:
                archive.add(path, path.relative_to(images))
    return len(photos), last + 1, f"{{000..{last:03d}}}.tar"


def seconds(images: str, variables: dict[str, str]) -> float:
    """Of a process that lists and extracts, into a new store on a disk."""
    with tempfile.TemporaryDirectory() as store:
        given = ("--tags", "ingestion,extraction")
        return kedro_run(store, *given, variables=variables, images=images).seconds


def gets(images: str, variables: dict[str, str]) -> int:
    """GET requests for the photos in one run through the proxy that counts."""
    CountingProxy.counts.clear()
    seconds(images, variables)
    return sum(count for (kind, _), count in CountingProxy.counts.items() if kind == "GET")


def main() -> None:
    """Pack in both ways, run in turn, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="a folder of photos")
    parser.add_argument("--pairs", type=int, default=5)
    asked = parser.parse_args()
    source = Path(asked.images).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos, tars, pattern = write_tars(source, folder / "tars")
        server = S3Server(folder / "server")
        server.folder.mkdir()
        server.start()
        server.client.create_bucket(Bucket=BUCKET)
        server.upload(folder / "tars", "tars")
        kedro_run(folder, "--pipelines", "packing", images=folder / "tars" / pattern)
        packed = folder / "01_raw/packed_images.parquet"
        server.upload(packed, packed.name)
        places = {
            "packed Parquet": f"s3://{BUCKET}/{packed.name}",
            f"{tars} tar files": f"s3://{BUCKET}/tars/{pattern}",
        }
        found: dict[str, list[float]] = {place: [] for place in places}
        for _ in range(asked.pairs):
            for place, images in places.items():
                found[place].append(seconds(images, server.environment))
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{start_proxy(server)}"}
        counted = server.environment | endpoint
        counts = {place: gets(images, counted) for place, images in places.items()}
        server.stop()
    lines = [
        f"{photos:,} photos, {asked.pairs} runs of each in turn, the server on the same "
        f"{usable_cores()} cores.",
        "",
        "| photos in | seconds, from start to features | middle | GET requests for photos |",
        "| --- | --- | ---: | ---: |",
    ]
    for place, each in found.items():
        shown = " ".join(f"{one:.1f}" for one in each)
        lines.append(f"| {place} | {shown} | {median(each):.1f} | {counts[place]:,} |")
    write_results("archives", "Photos in archives in a bucket", lines)


if __name__ == "__main__":
    main()
