"""Photos of 12 megapixels, as phones take them: speed and memory of a whole run.

    python benchmarks/large_photos.py --images ../shared/data/grocery-fruit

enlarges some photos of a folder to 4000 x 3000 pixels, extracts them in each way, and writes
benchmarks/results/large_photos.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from whole_run import features, kedro_run, usable_cores, write_results

_PHOTOS, _SIZE = 160, (4000, 3000)
_WAYS = {
    "as it is": {},
    "`decoding=scaled`": {"extraction.decoding": "scaled"},
    "`resize=bilinear`": {"extraction.resize": "bilinear"},
}


def enlarge(source: Path, target: Path) -> float:
    """Write large copies of some photos; the mean MB of a file."""
    photos = sorted(source.rglob("*.jpg"))
    chosen = photos[:: max(1, len(photos) // _PHOTOS)][:_PHOTOS]
    sizes = []
    for photo in chosen:
        path = target / photo.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        large = Image.open(photo).convert("RGB").resize(_SIZE, Image.Resampling.LANCZOS)
        large.save(path, quality=90)
        sizes.append(path.stat().st_size / 1e6)
    return float(np.mean(sizes))


def difference(found: dict[str, list[float]], exact: dict[str, list[float]]) -> str:
    """Relative to the length of a vector: the mean and the largest, in percent."""
    ours, theirs = (np.array([one[path] for path in exact]) for one in (found, exact))
    relative = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    return f"{100 * relative.mean():.1f} | {100 * relative.max():.1f}"


def main() -> None:
    """Enlarge, run, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="a folder of photos")
    source = Path(parser.parse_args().images).resolve()
    lines: list[str] = []
    exact: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        megabytes = enlarge(source, Path(folder, "photos"))
        for number, (way, settings) in enumerate(_WAYS.items()):
            store = Path(folder, str(number))
            given = {"images": Path(folder, "photos"), "pca.n_components": 2}
            run = kedro_run(store, **given, **settings)
            found = features(store)
            exact = exact or found  # the first way's
            speed = run.info["stages"]["extraction"]["images_per_s"]
            memory = run.memory["worker"]
            cells = f"{speed:.1f} | {memory:,.0f} | {difference(found, exact)}"
            lines.append(f"| {way} | {cells} |")
            print(lines[-1], flush=True)
    table = [
        f"{len(exact)} photos of {_SIZE[0]} x {_SIZE[1]} pixels, {megabytes:.1f} MB each, enlarged "
        f"from smaller ones; {usable_cores()} cores. Differences are of the features, relative to "
        "their length.",
        "",
        "| way | images/s of the extraction | MB of a worker | difference in %, mean | largest |",
        "| --- | ---: | ---: | ---: | ---: |",
        *lines,
    ]
    write_results("large_photos", "Photos of 12 megapixels", table)


if __name__ == "__main__":
    main()
