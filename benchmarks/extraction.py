"""Images per second of the extraction beside what this machine could do: ratios within one run.

    python benchmarks/extraction.py --images ../shared/data/fruits-360

prints a table and writes it to benchmarks/results/extraction.md.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from model_alone import model_alone
from numpy.typing import NDArray
from whole_run import WholeRun, kedro_run, usable_cores, write_results

from fruits_kedro.backbones import Backbone, FeatureModel
from fruits_kedro.backbones.architectures import ARCHITECTURES
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.features.extract import extract, get_model
from fruits_kedro.images.folder import ImageFolder

RAW_SECONDS = 10
ROUNDS = 3


def bare_loop(root: str, paths: list[str], cores: int) -> float:
    """Read, decode, resize, infer: a process a core, no Spark, no Kedro, nothing written."""
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        list(pool.map(_extract, [(root, paths[:8])] * cores))  # imports and compilation
        started = time.perf_counter()
        done = sum(pool.map(_extract, [(root, paths[i::cores]) for i in range(cores)]))
        return done / (time.perf_counter() - started)


def _extract(task: tuple[str, list[str]]) -> int:
    root, paths = task
    folder, backbone = ImageFolder(root), load_backbone("imagenet", "litert", 224)
    outcomes = extract(folder.read_all(paths), get_model(backbone), backbone)
    return sum(isinstance(outcome, np.ndarray) for outcome in outcomes)


def _openvino(backbone: Backbone) -> FeatureModel:
    """The same model in OpenVINO, checked against LiteRT."""
    import openvino

    one_thread = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # else all processes share one core
    }
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        Path(file.name).write_bytes(backbone.model)
        network = openvino.Core().compile_model(file.name, "CPU", one_thread)

    # One at a time, as LiteRT does: of 32 at once it gives 88 images/s instead of 104.
    def model(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.concatenate(
            [
                network(ARCHITECTURES["mobilenetv2"].preprocessing(image[None]))[0]
                for image in images
            ]
        )

    size = backbone.input_size
    pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    np.testing.assert_allclose(model(pixels), get_model(backbone)(pixels), rtol=0, atol=1e-4)
    return model


def tf_data(root: str, paths: list[str], cores: int, tunes: bool) -> float:
    """The usual way: tf.data and Keras' predict, one process, all cores; model built before.

    Args:
        root: of the photos.
        paths: of the photos.
        cores: that decode.
        tunes: as it comes, tf.data tunes itself. TensorFlow 2.21 waits for that at the end of a
            pass, until 10 ms times a power of two are over: some short passes take twice as long.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # which takes its threads with it
        return pool.submit(_predict, root, paths, cores, tunes).result()


def _predict(root: str, paths: list[str], cores: int, tunes: bool) -> float:
    from fruits_kedro.backbones import keras_models

    tf = keras_models.load_tensorflow()
    model = keras_models.build(ARCHITECTURES["mobilenetv2"], "imagenet", 224)
    options = tf.data.Options()
    options.autotune.enabled = tunes

    def load(path: object) -> object:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (224, 224), method="bicubic") / 127.5 - 1

    def batches(names: list[str]) -> object:
        files = tf.data.Dataset.from_tensor_slices([f"{root}/{name}" for name in names])
        return files.map(load, num_parallel_calls=cores).batch(32).prefetch(2).with_options(options)

    model.predict(batches(paths[:64]), verbose=0)
    started = time.perf_counter()
    model.predict(batches(paths), verbose=0)
    return len(paths) / (time.perf_counter() - started)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of photos")
    arguments = parser.parse_args()
    root = str(Path(arguments.images).resolve())
    paths = ImageFolder(root).list().column("path").to_pylist()
    cores = usable_cores()
    backbone = load_backbone("imagenet", "litert", 224)  # converted outside every timing
    runs, speeds = measure(root, paths, cores, backbone)
    cpu, today = _cpu(), time.strftime("%Y-%m-%d")
    lines = [
        f"{len(paths):,} photos, {cores} cores, {cpu}, {today}. {ROUNDS} runs, each between two "
        "measurements of the loop and the models, all of it between two of `tf.data`: mean speeds, "
        "and the middle one of the ratios (the lowest, the highest).",
        *report(len(paths), runs, speeds),
    ]
    write_results("extraction", "Extraction", lines)


def measure(
    root: str, paths: list[str], cores: int, backbone: Backbone
) -> tuple[list[WholeRun], dict[str, list[float]]]:
    """Runs, and beside each of them the images per second of what it is compared with."""
    # A machine's speed drifts: what is compared with is measured right before and after each run.
    measures = {
        f"bare loop: read, decode, resize, model; {cores} processes, no Spark": (
            lambda: bare_loop(root, paths, cores)
        ),
        f"raw model alone, LiteRT, {cores} processes": (
            lambda: model_alone(backbone, cores, RAW_SECONDS)
        ),
        f"raw model alone, OpenVINO, {cores} processes": (
            lambda: model_alone(backbone, cores, RAW_SECONDS, _openvino)
        ),
    }
    usual = "`tf.data` + `model.predict`, one process, all cores"
    # Minutes each: before the first run and after the last.
    slow = {
        usual: lambda: tf_data(root, paths, cores, True),
        f"{usual}, without the tuning of itself": lambda: tf_data(root, paths, cores, False),
    }
    first, runs = _timed(slow), []
    around = [_timed(measures)]
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as store:
            runs.append(kedro_run(Path(store), images=root))
        around.append(_timed(measures))
    last = _timed(slow)
    speeds = {
        name: [(before[name] + after[name]) / 2 for before, after in itertools.pairwise(around)]
        for name in measures
    }
    speeds |= {name: [(first[name] + last[name]) / 2] * ROUNDS for name in slow}
    return runs, speeds


def _timed(measures: dict[str, Callable[[], float]]) -> dict[str, float]:
    return {name: measure() for name, measure in measures.items()}


def report(images: int, runs: list[WholeRun], speeds: dict[str, list[float]]) -> list[str]:
    """Lines of the tables: our speeds beside the others', and where the seconds of a middling run
    went."""
    extracted = [run.info["stages"]["extraction"]["images_per_s"] for run in runs]
    listed = [images / _seconds(run, "ingestion", "extraction") for run in runs]
    speeds = {
        "`kedro run`, extraction: from the index to counted features in Parquet": extracted,
        "`kedro run`, listing and extraction": listed,
        "`kedro run`, whole process (with JVM, PCA, plots)": [images / run.seconds for run in runs],
        **speeds,
    }
    run = sorted(runs, key=lambda run: _seconds(run, "extraction"))[len(runs) // 2]
    return [
        "",
        "| what | images/s | extraction / this |",
        "| --- | ---: | ---: |",
        *(
            f"| {name} | {statistics.mean(each):,.1f} | {_ratios(extracted, each)} |"
            for name, each in speeds.items()
        ),
        "",
        f"Peak memory of a Python worker: {run.memory['worker']:,.0f} MB.",
        "",
        "| stage of `kedro run` | seconds |",
        "| --- | ---: |",
        *(f"| {name} | {figures['seconds']:.1f} |" for name, figures in run.info["stages"].items()),
        f"| whole process | {run.seconds:.1f} |",
        "",
        "| node | seconds |",
        "| --- | ---: |",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in run.info["node_seconds"].items()),
    ]


def _seconds(run: WholeRun, *stages: str) -> float:
    return sum(run.info["stages"][stage]["seconds"] for stage in stages)


def _ratios(ours: list[float], theirs: list[float]) -> str:
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}, {ratios[-1]:.2f})"


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        return next(x.split(": ")[1] for x in text.splitlines() if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
