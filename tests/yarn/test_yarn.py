"""The package of ``kedro emr`` on a real YARN: installed by its bootstrap, run by its arguments."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.s3.results import assert_same, results
from tests.s3.server import BUCKET, KEY, SECRET
from tests.yarn.server import SPARK_HOME, Yarn, fetch_jars

from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.logs import read_logs
from fruits_kedro.emr.package import build_package
from fruits_kedro.emr.steps import submit_arguments
from fruits_kedro.emr.upload import upload_package

# Stands in for the command of a node: `aws s3 cp --recursive --only-show-errors SOURCE TARGET`.
AWS = """#!{python}
import sys
from pathlib import Path
import boto3
source, target = sys.argv[-2:]
bucket, _, prefix = source.partition("://")[2].partition("/")
s3 = boto3.client("s3")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/"):
    for entry in page.get("Contents", []):
        path = Path(target, entry["Key"][len(prefix) + 1 :])
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, entry["Key"], str(path))
"""


@pytest.fixture(scope="module")
def yarn(s3_server, maven, tmp_path_factory):
    jars = fetch_jars(Path.home() / ".cache" / "fruits-kedro-tests" / "yarn-3.3.4")
    cluster = Yarn(tmp_path_factory.mktemp("yarn"), jars, s3_server.environment)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def settings(project, s3_server):
    found = EmrContext.load("emr").settings
    return found.model_copy(update={"bucket": BUCKET, "weights": "embedded"})


@pytest.fixture(scope="module")
def in_server(s3_server):
    patch = pytest.MonkeyPatch()
    for name, value in s3_server.environment.items():
        patch.setenv(name, value)
    yield Aws(s3_server.environment["AWS_REGION"])
    patch.undo()


@pytest.fixture(scope="module")
def package(project, settings, in_server, tmp_path_factory):
    built = build_package(
        project, tmp_path_factory.mktemp("package"), settings.python, "x86_64", settings.weights
    )
    upload_package(in_server, built, settings.package_root, lambda *_: None)
    return built


@pytest.fixture(scope="module")
def node(package, settings, in_server, tmp_path_factory):
    """A node after its bootstrap: all that it has comes from the bucket."""
    root = tmp_path_factory.mktemp("node")
    (root / "bin").mkdir()
    (root / "bin" / "aws").write_text(AWS.format(python=sys.executable))
    (root / "bin" / "aws").chmod(0o755)
    path = f"{root / 'bin'}:{os.environ['PATH']}"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    installed = subprocess.run(
        ["bash", package.folder / "bootstrap.sh", settings.package_root, python],
        env={**os.environ, "FRUITS_KEDRO_ROOT": str(root / "opt"), "PATH": path},
        capture_output=True,
        text=True,
    )
    assert installed.returncode == 0, installed.stderr
    for file in (root / "opt" / "conf" / "emr").glob("*.yml"):  # installed elsewhere than on EMR
        file.write_text(file.read_text().replace("/opt/fruits-kedro", str(root / "opt")))
    return root / "opt"


def test_the_wheelhouse_is_all_a_node_needs(node, package):
    listed = subprocess.run(
        [node / "venv/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
    ).stdout.lower()
    assert "fruits-kedro==" in listed and "ai-edge-litert==" in listed
    assert "tensorflow" not in listed and "pyspark" not in listed


def test_a_damaged_package_stops_the_bootstrap(package, settings, in_server, tmp_path, node):
    settings_ = settings.model_copy(update={"prefix": "damaged"})
    upload_package(in_server, package, settings_.package_root, lambda *_: None)
    in_server.upload(f"{settings_.package_root}/run.py", b"print('not ours')")
    done = subprocess.run(
        ["bash", package.folder / "bootstrap.sh", settings_.package_root, "3.11"],
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


@pytest.fixture(scope="module")
def submit(yarn, node, project, tmp_path_factory):
    """Start a run with the arguments that ``kedro emr submit`` gives to EMR."""
    spark_conf = tmp_path_factory.mktemp("spark_conf")
    s3a = _s3a_settings()
    endpoint = yarn.environment["AWS_ENDPOINT_URL"]
    s3a |= {  # what EMR's own spark-defaults and core-site bring
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    lines = [
        f"{name} {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in s3a.items()
    ]
    (spark_conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    context = EmrContext.load("emr")
    small = {
        "spark.executor.instances": "1",
        "spark.executor.cores": "2",
        "spark.executor.memory": "700m",
        "spark.executor.memoryOverhead": "700m",
        "spark.driver.memory": "700m",
        "spark.default.parallelism": "2",
        "spark.sql.shuffle.partitions": "4",
    }
    settings = context.spark | context.sizing.spark_settings | small
    settings = {
        k: str(v).replace("/opt/fruits-kedro", str(node)) if isinstance(v, str) else v
        for k, v in settings.items()
    }

    def start(mode, params, run=None):
        arguments = submit_arguments(settings, mode, None, params, str(node))
        if run is not None:
            arguments = [str(run) if a == f"{node}/run.py" else a for a in arguments]
        return subprocess.Popen(
            [str(SPARK_HOME / "bin" / arguments[0]), *arguments[1:]],
            env=yarn.client_environment(spark_conf),
            cwd=spark_conf,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def _s3a_settings():
    from kedro.framework.session import KedroSession

    with KedroSession.create(env="test") as session:
        return dict(session.load_context().config_loader["s3a"])


@pytest.fixture(scope="module")
def local(kedro_run, photos, node, tmp_path_factory):
    store = tmp_path_factory.mktemp("local")
    params = {"extraction.weights": node / "model.backbone", "pca.n_components": 7}
    outcome = kedro_run(images=photos, store=store, **params)
    assert outcome.exit_code == 0, outcome.output
    return results(store)


@pytest.fixture(scope="module")
def bucket(s3_server, photos):
    s3_server.upload(photos, "on-yarn")
    return s3_server


def place(store):
    return f"images=s3://{BUCKET}/on-yarn,store=s3://{BUCKET}/{store},pca.n_components=7,extraction.max_failure_rate=0.05"


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_the_numbers_are_those_of_a_local_run(mode, submit, bucket, local, yarn, tmp_path):
    process = submit(mode, place(f"yarn-{mode}"))
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-4000:]
    assert yarn.final_status() == "SUCCEEDED"
    assert_same(results(bucket.download(f"yarn-{mode}", tmp_path)), local)
    assert KEY not in output and SECRET not in output


def test_an_executor_that_is_killed_costs_nothing(submit, bucket, local, yarn, tmp_path):
    process = submit("cluster", place("yarn-killed"))
    killed = _kill_an_executor(bucket, process)
    output, _ = process.communicate(timeout=600)
    assert killed and process.returncode == 0, output[-4000:]
    assert_same(results(bucket.download("yarn-killed", tmp_path)), local)


def _kill_an_executor(bucket, process):
    """Kill the executor's JVM once a Python worker of it is at work on the photos."""
    seen = "yarn-killed/04_feature/extraction_checkpoint"
    while process.poll() is None:
        listed = bucket.client.list_objects_v2(Bucket=BUCKET, Prefix=seen)
        if listed.get("KeyCount"):  # the first rows are there
            for one in psutil.process_iter(["cmdline"]):
                command = one.info["cmdline"] or [""]
                is_java = command[0].endswith("java")
                if is_java and any("ExecutorBackend" in word for word in command):
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
small = {{"subset": "mine", "subsets": {{"mine": {{"total": 40}}}}, "pca": {{"n_components": 2}},
         "extraction": {{"max_failure_rate": 1.0}}}}
with KedroSession.create(
    conf_source="{node}/conf", env="emr", runtime_params=places | small
) as session:
    session.run()
    catalog = session.load_context().catalog
    found = catalog.load("features").count(), catalog.load("pca_matrix").columns
    print(f"FOUND {{found}}", flush=True)
"""


def test_a_notebook_on_the_cluster(submit, bucket, node):
    """Livy and JupyterHub do not exist here: their cells are run by spark-submit."""
    cells = node / "notebook.py"
    cells.write_text(NOTEBOOK.format(bucket=BUCKET, node=node))
    output, _ = submit("client", "", run=cells).communicate(timeout=400)
    assert "FOUND (39, ['path', 'split', 'label', 'pc_001', 'pc_002'])" in output, output[-4000:]


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
    found = read_logs(in_server, settings, "j-1", "s-1")
    place_, first = found.errors[0]
    assert first.startswith("Traceback") and first.endswith("ValueError: planted")
    assert f"/containers/{application}/" in place_
