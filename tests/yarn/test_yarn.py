"""The package of ``kedro emr`` on a real YARN: installed by its bootstrap, run by its arguments."""

import gzip
import json
import os
import shlex
import signal
import subprocess
import time

import psutil
import pytest
from tests.s3.results import assert_same, results
from tests.s3.server import BUCKET, KEY, SECRET

from fruits_kedro.emr.logs import read_cluster_logs, report_errors
from fruits_kedro.emr.notebook import configure_cell
from fruits_kedro.emr.submit import RunOptions


def test_the_wheelhouse_is_all_a_node_needs(node, package):
    listed = subprocess.run(
        [node / "venv/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
    ).stdout.lower()
    assert "fruits-kedro==" in listed and "ai-edge-litert==" in listed
    assert "tensorflow" not in listed and "pyspark" not in listed


@pytest.mark.parametrize("name", ["run.py", "SHA256SUMS"])
def test_a_damaged_package_stops_the_bootstrap(
    package, uploaded, settings, in_server, tmp_path, node, name
):
    for file in ("bootstrap.sh", "run.py", "SHA256SUMS"):
        in_server.copy(f"{uploaded.url}/{file}", f"s3://{BUCKET}/{name}-damaged/{file}")
    in_server.upload(f"s3://{BUCKET}/{name}-damaged/{name}", b"not ours")
    given = (f"s3://{BUCKET}/{name}-damaged", "3.11", settings.region, uploaded.sums)
    done = subprocess.run(
        ["bash", package.folder / "bootstrap.sh", *given],
        env={
            **os.environ,
            "FRUITS_KEDRO_ROOT": str(tmp_path / "opt"),
            "PATH": f"{node.parent / 'bin'}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "BOOTSTRAP FAILED: comparing hashes" in done.stderr
    assert not (tmp_path / "opt" / "venv").exists()


def place(store):
    return f"images=s3://{BUCKET}/on-yarn,store=s3://{BUCKET}/{store},pca.n_components=7,extraction.max_failure_rate=0.05"


def test_cluster_mode_does_even_if_an_executor_is_killed(submit, bucket, local, yarn, tmp_path):
    process = submit("cluster", place("yarn-killed"), pipelines="__default__,curation")
    killed = _kill_an_executor(bucket, process)
    output, _ = process.communicate(timeout=600)
    assert killed and process.returncode == 0, output[-4000:]
    check(bucket, yarn, local, output, "yarn-killed", tmp_path)
    info = bucket.download("yarn-killed/08_reporting", tmp_path / "curated") / "curation_info.json"
    assert json.loads(info.read_text())["photos"] == len(local["scores"])


def check(bucket, yarn, local, output, store, folder):
    assert yarn.final_status() == "SUCCEEDED"
    assert_same(results(bucket.download(store, folder)), local)
    assert KEY not in output and SECRET not in output


def _kill_an_executor(bucket, process):
    """Kill the executor's JVM once a Python worker of it is at work on the photos."""
    seen = "yarn-killed/04_feature/extraction_checkpoint"
    while process.poll() is None:
        listed = bucket.client.list_objects_v2(Bucket=BUCKET, Prefix=seen)
        if listed.get("KeyCount"):  # the first rows are there
            for one in psutil.process_iter(["cmdline"]):
                command = one.info["cmdline"] or [""]
                is_java = command[0].endswith("java")
                if is_java and any("YarnCoarseGrainedExecutor" in word for word in command):
                    one.send_signal(signal.SIGKILL)
                    return True
        time.sleep(0.2)
    return False


NOTEBOOK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()  # what a notebook on the cluster starts with

from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession

configure_project("fruits_kedro")
places = {{"images": "s3://{bucket}/on-yarn", "store": "s3://{bucket}/notebook"}}
params = {{"pca": {{"n_components": 7}}, "extraction": {{"max_failure_rate": 0.05}}}}
with KedroSession.create(
    conf_source="{node}/conf", env="emr", runtime_params=places | params
) as session:
    session.run(tags=["ingestion", "extraction", "reduction"])
    catalog = session.load_context().catalog
    found = catalog.load("pca_features").count(), catalog.load("pca_matrix").columns[:4]
    print(f"FOUND {{found}}", flush=True)
"""


def test_a_notebook_gives_the_numbers_of_a_local_run(
    spark_submit, spark_settings, settings, bucket, node, local, yarn, tmp_path
):
    """Livy and JupyterHub do not exist here: the cells are run by spark-submit.

    Its settings are those that the cell ``%%configure`` gives to Livy, and no others.
    """
    cells = node / "notebook.py"
    cells.write_text(NOTEBOOK.format(bucket=BUCKET, node=node))
    cell = configure_cell(RunOptions(spark_settings), settings)
    given = json.loads(cell.partition("\n")[2])["conf"]
    conf = [word for name, value in given.items() for word in ("--conf", f"{name}={value}")]
    output, _ = spark_submit(
        "--deploy-mode", "client", *("--master", "yarn"), *conf, cells
    ).communicate(timeout=600)
    usable = len(local["scores"])
    assert f"FOUND ({usable}, ['path', 'split', 'label', 'pc_001'])" in output, output[-4000:]
    check(bucket, yarn, local, output, "notebook", tmp_path)


def test_the_archive_of_serverless_is_all_that_a_process_needs(
    spark_submit, job, bucket, local, yarn, tmp_path
):
    """EMR Serverless does not exist here: YARN unpacks the same archive, in a folder of its own.

    ``spark-submit`` itself reads the parameters. The driver's variables have another prefix there.
    """
    request = job(place("serverless"))["jobDriver"]["sparkSubmit"]
    given = request["sparkSubmitParameters"].replace(
        "emr-serverless.driverEnv", "yarn.appMasterEnv"
    )
    process = spark_submit(
        *("--master", "yarn", "--deploy-mode", "cluster", *shlex.split(given)),
        request["entryPoint"],
        *request["entryPointArguments"],
    )
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-4000:]
    check(bucket, yarn, local, output, "serverless", tmp_path)


def test_logs_find_a_planted_traceback(submit, yarn, settings, in_server, node):
    planted = node / "planted.py"
    planted.write_text("def inner():\n    raise ValueError('planted')\n\ninner()\n")
    process = submit("cluster", place("yarn-planted"), run=planted)
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    application = yarn.applications()[-1]["id"]
    # EMR's log pusher, which brings both to the bucket, does not exist here.
    root = f"{settings.log_root}/j-1"
    in_server.upload(f"{root}/steps/s-1/stderr.gz", gzip.compress(output.encode()))
    for name, text in yarn.container_logs(application).items():
        url = f"{root}/containers/{application}/{name}/stdout.gz"
        in_server.upload(url, gzip.compress(text.encode()))
    place_, first = report_errors(read_cluster_logs(in_server, root, "s-1"))[0]
    assert first.startswith("Traceback") and first.endswith("ValueError: planted")
    assert f"/containers/{application}/" in place_
