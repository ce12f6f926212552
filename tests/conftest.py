"""What many tests share: the project, one Spark session, the real photos, a small model."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from pyspark.sql import SparkSession

pytest_plugins = ["tests.s3.fixtures"]

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# Python would look through all objects of TensorFlow and Spark for garbage every few seconds.
gc.set_threshold(10_000, 20, 20)

# Files by what they take, so that none of them is left alone in the end.
_LONGEST = (
    *("test_yarn.py", "test_s3_run.py", "test_faults.py", "test_architectures.py"),
    *("test_wheel.py", "test_server.py", "test_spark_cluster.py", "test_mlflow.py"),
    *("test_classification.py", "test_incremental_run.py", "test_train.py"),
)
_SERVERS = {
    *("s3_server", "yarn", "spark_cluster", "browser", "mlflow_server"),
    *("served", "shared_service"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of servers by their fixtures; the files that take longest come first."""
    for item in items:
        if _SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)
    place = {name: i for i, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real photos, the ImageNet weights and the golden features."""
    if not (SHARED / "golden").is_dir():
        message = f"needs the real photos and golden features in {SHARED}"
        if os.environ.get("CI"):
            pytest.fail(f"CI {message}")
        pytest.skip(message)
    return SHARED


@pytest.fixture
def imagenet(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' own cache of weights is the one beside the real photos."""
    monkeypatch.setenv("KERAS_HOME", str(shared / "keras"))


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one run of the tests share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def made_once(common: Path) -> Callable[..., tuple[Path, str]]:
    """Make a folder, in the first process that needs it; no test changes it.

    ``made_once(name, make)`` gives the folder, and what ``make(folder)`` gave.
    """

    def get(name: str, make: Callable[[Path], str]) -> tuple[Path, str]:
        folder, said = common / name, common / f"{name}.txt"
        with FileLock(common / f"{name}.lock"):
            if not said.exists():
                folder.mkdir(exist_ok=True)
                said.write_text(make(folder), encoding="utf-8")
        return folder, said.read_text(encoding="utf-8")

    return get


@pytest.fixture(scope="session", autouse=True)
def project(common: Path) -> Path:
    """The project in the test environment, with a cache of the tests' own."""
    os.environ["XDG_CACHE_HOME"] = str(common / "cache")
    os.environ["KEDRO_ENV"] = "test"
    os.chdir(ROOT)
    bootstrap_project(ROOT)
    return ROOT


@pytest.fixture(scope="session")
def spark(project: Path) -> SparkSession:
    """One session for all tests, with the settings of the test environment."""
    from fruits_kedro.spark.session import start_session

    with KedroSession.create(project, env="test") as session:
        settings = dict(session.load_context().config_loader["spark"])
    return start_session(settings)


@pytest.fixture(scope="module")
def eager() -> Iterator[None]:
    """TensorFlow trains without a graph: to compile one takes longer than a few small steps."""
    from fruits_kedro.backbones.keras_models import load_tensorflow

    config = load_tensorflow().config
    config.run_functions_eagerly(True)
    yield
    config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights that needs no download: random ones, normalised on random images.

    As Keras initialises it, MobileNetV2's features are all about 1e-12: one pass that sets the
    statistics of batch normalisation makes them differ from image to image.
    """
    from fruits_kedro.backbones import keras_models
    from fruits_kedro.backbones.architectures import ARCHITECTURES

    keras = keras_models.load_keras()
    keras.utils.set_random_seed(0)
    model = keras_models.build(ARCHITECTURES["mobilenetv2"], None, 96)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(np.random.default_rng(0).uniform(-1, 1, (16, 96, 96, 3)).astype("f4"), training=True)
    path = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    model.save_weights(path)
    return path


@pytest.fixture(scope="session")
def sample(made_once: Callable[..., tuple[Path, str]]) -> Path:
    """60 synthetic fruits of 3 varieties (45 Training, 15 Test) and 30 broken files of 10 kinds."""
    from fruits_kedro.commands.sample import write_sample

    def make(folder: Path) -> str:
        return str(sum(write_sample(folder / "fruits", classes=3, images=20, seed=0, broken=30)))

    folder, photos = made_once("sample", make)
    assert photos == "60"
    return folder / "fruits"


@pytest.fixture(scope="session")
def kedro_run(spark: SparkSession) -> Callable[..., Result]:
    """``kedro run`` in this process: ``kedro_run(images=…, store=…)`` gives code and output."""
    from fruits_kedro.cli import run

    def invoke(*arguments: str, **params: object) -> Result:
        given = {"extraction.weights": "embedded", **params}
        text = ",".join(f"{key}={value}" for key, value in given.items())
        return CliRunner().invoke(run, ["--params", text, *arguments], standalone_mode=True)

    return invoke


@pytest.fixture(scope="session")
def finished(
    kedro_run: Callable[..., Result], sample: Path, made_once: Callable[..., tuple[Path, str]]
) -> tuple[Path, str]:
    """The store and the output of one whole run over the sample with broken files."""

    def make(store: Path) -> str:
        result = kedro_run(images=sample, store=store)
        assert result.exit_code == 0, result.output
        return result.output

    return made_once("finished", make)


@pytest.fixture(scope="session")
def classified(
    kedro_run: Callable[..., Result], made_once: Callable[..., tuple[Path, str]]
) -> tuple[Path, Path, str]:
    """Photos, store and output of a classification of 12 varieties; of Apple and Cherry, two.

    Of the features: test_classes.py classifies the PCA scores.
    """
    from fruits_kedro.commands.sample import write_sample

    def make(folder: Path) -> str:
        places = {"images": folder / "photos", "store": folder / "store"}
        sum(write_sample(places["images"], classes=12, images=10, seed=0, broken=0))
        assert kedro_run(**places).exit_code == 0
        features = {"classification.inputs": "features"}
        result = kedro_run("--pipelines", "classification", **places, **features)
        assert result.exit_code == 0, result.output
        return result.output

    folder, output = made_once("classified", make)
    return folder / "photos", folder / "store", output
