"""The backbones beside each other: speed, memory, and what those with weights at hand recognise.

    python benchmarks/backbones.py --images ../shared/data/fruits-360 --shops ../shared/data/grocery-fruit

Without ImageNet's weights in Keras' cache, a network gets random ones: speed does not depend on
them. Writes benchmarks/results/backbones.md, and the same table into docs/backbones.md.
"""  # noqa: E501

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from whole_run import PROJECT, kedro_run, usable_cores, write_results

from fruits_kedro.backbones import Backbone, keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES, Architecture, imagenet_path
from fruits_kedro.backbones.engines import seconds_a_photo
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS

_PHOTOS, _ROUNDS = 20, 3
_SECONDS = 40  # of one core's time for the network, in the extraction
_DOCS, _MARK = PROJECT / "docs/backbones.md", "<!-- from benchmarks/backbones.py -->\n"
_TITLES = (
    "backbone | features | pixels | MB | ms a photo, LiteRT | OpenVINO | images/s of a run | "
    "MB of a worker | core hours for a million | Fruits-360, unseen varieties | shops | licence"
)


@dataclass(frozen=True)
class Speed:
    """Of a network on one core.

    Attributes:
        megabytes: of the converted model.
        ms: a photo, the least of some rounds, by engine.
    """

    megabytes: float
    ms: dict[str, float]


def measure(name: str, folder: str) -> Speed:
    """Both engines on the same model; the whole model of Keras is left in a folder."""
    one = ARCHITECTURES[name]
    keras_models.load_keras()
    model = keras_models.build(one, None, one.input_size)
    model.save(Path(folder, f"{name}.keras"))
    converted = keras_models.convert_to_litert(model, one.input_size)
    settings = ("f32", one.input_size, one.n_features, "random", "random", "")
    litert = Backbone(name, "litert", *settings, converted, one.preprocessing)
    shape = (_PHOTOS, one.input_size, one.input_size, 3)
    photos = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    models = {
        engine: replace(litert, engine=engine).load_model() for engine in ("litert", "openvino")
    }
    seconds = seconds_a_photo(models, photos, _ROUNDS)
    ms = {engine: 1000 * least for engine, least in seconds.items()}
    return Speed(len(converted) / 1e6, ms)


def whole_run(one: Architecture, images: str, folder: str, photos: int) -> tuple[float, float]:
    """Images a second of the extraction of so many photos, and MB of a worker."""
    preprocessing = next(name for name, how in PREPROCESSINGS.items() if how == one.preprocessing)
    own = {"extraction.backbone": Path(folder, f"{one.name}.keras")}
    own["extraction.preprocessing"] = preprocessing
    with tempfile.TemporaryDirectory() as store:
        given = {"images": images, "pca.n_components": 2}
        given |= {"subset": "some", "subsets.some.total": photos}
        run = kedro_run(store, **given, **own)
    once = run.info["node_seconds"]["extraction.load_backbone"]  # converts
    seconds = run.info["stages"]["extraction"]["seconds"] - once
    return run.info["counts"]["features"] / seconds, run.memory["worker"]


def recognised(one: Architecture, images: str, protocol: str, metric: str) -> str:
    """What logistic regression on the features scores in a protocol, with its interval."""
    with tempfile.TemporaryDirectory() as store:
        given = {"images": images, "extraction.backbone": one.name}
        given |= {"classification.inputs": "features", "classification.leaks": "leave_out"}
        given |= {"classification.models": "logistic_regression"}
        kedro_run(store, "--pipelines", "__default__,classification", **given)
        scores = pd.read_csv(Path(store, "08_reporting/classification_scores.csv"))
    row = scores.set_index(["protocol", "model", "metric"]).loc[
        (protocol, "logistic_regression", metric)
    ]
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def row_of(one: Architecture, images: str, shops: str | None) -> tuple[float, str]:
    """Milliseconds a photo, by which rows are sorted, and a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            speed = process.apply(measure, (one.name, folder))
        photos = round(1000 * _SECONDS / speed.ms["litert"])
        images_per_s, memory = whole_run(one, images, folder, photos)
    cores = usable_cores()
    cells = [f"`{one.name}`", one.n_features, one.input_size, f"{speed.megabytes:.1f}"]
    cells += [f"{ms:.1f}" for ms in speed.ms.values()]
    cells += [f"{images_per_s:,.0f}", f"{memory:,.0f}", f"{cores * 1e6 / images_per_s / 3600:,.1f}"]
    if imagenet_path(one).is_file():
        cells.append(recognised(one, images, "leave_one_variety_out", "f1_macro"))
        cells.append(recognised(one, shops, "in_distribution", "accuracy") if shops else "")
    else:
        cells += ["", ""]
    cells.append(one.licence)
    line = f"| {' | '.join(map(str, cells))} |"
    print(line, flush=True)
    return speed.ms["litert"], line


def main() -> None:
    """Measure all, write a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="a folder of photos, with varieties")
    parser.add_argument("--shops", help="photos of fruits in shops, if there are any")
    asked = parser.parse_args()
    images = str(Path(asked.images).resolve())
    shops = asked.shops and str(Path(asked.shops).resolve())
    rows = sorted(row_of(one, images, shops) for one in ARCHITECTURES.values())
    table = [
        f"| {_TITLES} |",
        f"| --- |{' ---: |' * _TITLES.count(' | ')}",
        *(line for _, line in rows),
    ]
    write_results("backbones", "The backbones", table)
    before, _, after = _DOCS.read_text().split(_MARK)
    _DOCS.write_text(_MARK.join([before, "\n" + "\n".join(table) + "\n\n", after]))


if __name__ == "__main__":
    main()
