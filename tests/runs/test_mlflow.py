"""Runs are noted in a real MLflow server, and its model predicts what ``kedro predict`` does."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner
from tests.packages import UV, install
from tests.ports import free_ports

from fruits_kedro.cli import predict
from fruits_kedro.commands.sample import write_sample

SERVER = "mlflow>=3,<4"  # in an environment of its own: the project needs its client alone


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    """The URL of a server with a database."""
    folder = tmp_path_factory.mktemp("mlflow")
    python = folder / "venv/bin/python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    install(python, SERVER)
    (port,) = free_ports(1)
    command = [python.with_name("mlflow"), "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/runs.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # six processes
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    while not answers(url):
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    yield url
    server.terminate()
    server.wait(timeout=30)


def answers(url):
    try:
        return urllib.request.urlopen(f"{url}/health", timeout=5).status == 200
    except OSError:
        return False


@pytest.fixture
def conf(project, tmp_path):
    """The settings, with a way to name a server."""
    folder = shutil.copytree(project / "conf", tmp_path / "conf")

    def name(url):
        (folder / "test/mlflow.yml").write_text(json.dumps({"tracking_uri": url}))
        return ("--conf-source", str(folder))

    return name


def test_runs_stand_side_by_side(mlflow_server, conf, kedro_run, tmp_path):
    images, store = tmp_path / "photos", tmp_path / "[my] store"
    sum(write_sample(images, classes=3, images=8, seed=0, broken=2))
    given = {"images": images, "store": store}
    for n_components in (2, 3):
        done = kedro_run(*conf(mlflow_server), **given, **{"pca.n_components": n_components})
        assert done.exit_code == 0, done.output
    few = {"classification.models": "logistic_regression", "classification.folds": 2}
    classify = (*conf(mlflow_server), "--pipelines", "classification")
    done = kedro_run(*classify, **given, **few, **{"pca.n_components": 3})
    assert done.exit_code == 0, done.output

    client = mlflow.MlflowClient(mlflow_server)
    experiment = client.get_experiment_by_name("fruits-kedro")
    last, *runs = client.search_runs([experiment.experiment_id])
    assert [run.data.metrics["pca.k"] for run in runs] == [3, 2]
    assert [run.data.params["pca.n_components"] for run in runs] == ["3", "2"]
    for run in runs:
        assert (
            run.data.metrics["counts.features"] == 24 and run.data.metrics["counts.rejected"] == 2
        )
        assert run.data.tags["store"] == str(store)
        names = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert names == {"model_info.json", "report.html"}
    metrics = json.loads((store / "08_reporting/classification_metrics.json").read_text())
    scores = metrics["protocols"]["in_distribution"]["models"][metrics["best"]]
    assert last.data.metrics["in_distribution.f1_macro"] == scores["f1_macro"]["value"]

    model = mlflow.pyfunc.load_model(f"runs:/{last.info.run_id}/model")
    photos = sorted((images / "Test").rglob("*.jpg"))
    found = model.predict(pd.DataFrame({"content": [path.read_bytes() for path in photos]}))
    arguments = [str(images / "Test"), "--params", f"store={store}"]
    assert CliRunner().invoke(predict, arguments).exit_code == 0
    stored = pd.read_csv(store / "07_model_output/new_photos.csv")
    assert len(found) == len(stored) == len(photos)
    columns = ["predicted", "probability", "top_3", "distance", "error"]
    pd.testing.assert_frame_equal(found[columns], stored[columns], check_dtype=False)


def test_a_server_that_is_not_there_costs_no_work(conf, kedro_run, sample, tmp_path):
    (port,) = free_ports(1)
    done = kedro_run(*conf(f"http://127.0.0.1:{port}"), images=sample, store=tmp_path / "store")
    assert done.exit_code == 1 and "does not answer" in done.output
    assert not (tmp_path / "store/02_intermediate").exists()


def test_without_a_server_nothing_of_mlflow_is_imported(project, tmp_path):
    """In a process of its own."""
    code = (
        "import sys; from fruits_kedro.__main__ import main\n"
        "try: main(['--params', sys.argv[1]])\n"
        "except SystemExit: print(sorted(name for name in sys.modules if 'mlflow' in name))"
    )
    places = f"images={tmp_path},store={tmp_path}/store"
    command = [sys.executable, "-c", code, places]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project)
    imported = "['fruits_kedro.config.mlflow', 'fruits_kedro.hooks.mlflow']"
    assert done.stdout.endswith(f"{imported}\n"), done.stdout + done.stderr
