"""The backbones: length of a vector, size, and milliseconds a photo on one core.

    python benchmarks/backbones.py

With random weights: speed does not depend on them. Writes benchmarks/results/backbones.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from whole_run import write_results

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES, Architecture
from fruits_kedro.backbones.litert import LiteRTModel

_PHOTOS, _TIMES = 20, 3


def measure(architecture: Architecture) -> tuple[float, float, float]:
    """MB, seconds to build and convert, and the least milliseconds a photo of some rounds."""
    size = architecture.input_size
    started = time.perf_counter()
    model = keras_models.build(architecture, None, size)
    converted = keras_models.convert_to_litert(model, size)
    seconds = time.perf_counter() - started
    run = LiteRTModel(converted, architecture.preprocessing)
    photos = np.random.default_rng(0).integers(0, 256, (_PHOTOS, size, size, 3), np.uint8)
    rounds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        run(photos)
        rounds.append(1000 * (time.perf_counter() - started) / _PHOTOS)
    return len(converted) / 1e6, seconds, min(rounds)


def main() -> None:
    """Measure all, print a table and write it."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    keras_models.load_keras()
    found = {name: measure(one) for name, one in ARCHITECTURES.items()}
    lines = [
        "| backbone | features | pixels | MB | ms a photo, one core | seconds to convert |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (megabytes, seconds, ms) in sorted(found.items(), key=lambda one: one[1][2]):
        one = ARCHITECTURES[name]
        figures = f"{megabytes:.1f} | {ms:.1f} | {seconds:.0f}"
        lines.append(f"| `{name}` | {one.n_features} | {one.input_size} | {figures} |")
    write_results("backbones", "The backbones", lines)


if __name__ == "__main__":
    main()
