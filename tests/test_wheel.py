"""The wheel in an environment of its own: no checkout, no TensorFlow, an empty HOME."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from tests.java import QUICK_START
from tests.packages import install

pytestmark = pytest.mark.servers  # it takes the packages from a registry, or from uv's cache

BUILD = ("src", "conf", "notebooks", "pyproject.toml", "setup.py", "MANIFEST.in")
TEXTS = ("README.md", "LICENSE")


def succeed(*command, code=0, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def wheel(project, tmp_path_factory):
    """What ``kedro package`` makes of a copy of the checkout, whose conf/local must not get in."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*BUILD, *TEXTS):
        copy = shutil.copytree if (project / name).is_dir() else shutil.copy
        copy(project / name, folder / name)
    (folder / "conf" / "local").mkdir(exist_ok=True)
    (folder / "conf" / "local" / "credentials.yml").write_text("s3: {aws_access_key_id: mine}")
    succeed(sys.executable, "-m", "kedro", "package", cwd=folder)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel, project, tmp_path_factory):
    """Call a program of an environment that has the wheel, from an empty folder."""
    root = tmp_path_factory.mktemp("installed")
    python = root / "venv" / "bin" / "python"
    succeed(sys.executable, "-m", "venv", "--without-pip", root / "venv")

    def add(extra=""):
        install(python, "--constraint", project / "requirements.lock", f"{wheel}{extra}")

    add()
    work = root / "work"
    work.mkdir()
    (root / "home").mkdir()
    path = f"{root / 'venv' / 'bin'}:{os.defpath}"
    environment = {"HOME": str(root / "home"), "PATH": path, **QUICK_START}

    def call(*arguments, folder=work, code=0):
        return succeed(*arguments, cwd=folder, env=environment, code=code)

    call.folder, call.add = work, add
    return call


def test_it_brings_the_configuration_and_no_secret(wheel):
    listed = succeed(sys.executable, "-m", "zipfile", "--list", wheel)
    assert "fruits_kedro/template/conf/base/catalog.yml" in listed
    assert "fruits_kedro/template/notebooks/01_explore.ipynb" in listed
    assert "conf/local" not in listed and "conf/test" not in listed


def test_an_empty_folder_is_enough(command):
    command("fruits-kedro", "sample", "--output", "photos", "--classes", "4", "--images", "12")
    places = "images=photos,store=results"
    said = command("fruits-kedro", "run", "--params", f"{places},pca.n_components=3")
    assert "fruits-kedro run --pipelines classification --params images=photos" in said
    assert "TensorFlow" in said and "EMBEDDED" in said and "telemetry" not in said
    few = "classification.models=logistic_regression,classification.inputs=pca_features"
    few += ",classification.folds=2,classification.bootstrap=0"
    classify = ("--pipelines", "classification", "--params", f"{places},{few}")
    missing = command("fruits-kedro", "run", *classify, code=1)
    assert "pip install 'fruits-kedro[classification]'" in missing
    command.add("[classification]")
    command("python", "-m", "fruits_kedro", *classify)
    command("fruits-kedro", "predict", "photos/Test", "--params", "store=results")
    assert (command.folder / "results/07_model_output/new_photos.csv").is_file()
    checked = ("--params", f"{places},pca.n_components=3", "--images", "3")
    assert "ok" in command("fruits-kedro", "verify", *checked)
    assert sorted(path.name for path in command.folder.iterdir()) == ["photos", "results"]


def test_a_folder_with_its_own_settings_is_a_project(command):
    command("fruits-kedro", "init", "mine")
    project = command.folder / "mine"
    (project / "conf" / "local" / "parameters.yml").write_text("pca: {n_components: 4}")
    given = ("--params", "images=../photos,store=results", "--pipelines", "ingestion")
    assert "12 Test, 36 Training" in command("kedro", "run", *given, folder=project)
    listed = command("kedro", "registry", "list", folder=project)
    assert "reduction" in listed and "telemetry" not in listed


PACK = """
import sys
from pathlib import Path
from fruits_kedro.emr.package import pack_installed
print(pack_installed(Path(sys.argv[1])))
"""


def test_a_cluster_gets_the_wheel_that_is_installed(command, wheel, tmp_path):
    packed = command("python", "-c", PACK, tmp_path / "packed").strip()
    one, two = (zipfile.ZipFile(path) for path in (wheel, packed))
    names = {name for name in one.namelist() if not name.endswith("/")}
    assert names == set(two.namelist())
    assert all(one.read(name) == two.read(name) for name in names if "RECORD" not in name)
    (record,) = (name for name in names if "RECORD" in name)
    assert set(one.read(record).split()) == set(two.read(record).split())
