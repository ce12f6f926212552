"""A real YARN, and a node that has only what ``kedro emr package`` uploaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.s3.results import NUMBERS, results
from tests.s3.server import BUCKET
from tests.yarn.server import Yarn, fetch_jars, fetch_native, fetch_spark

from fruits_kedro.backbones.find import BackboneSettings
from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.environment import build_environment
from fruits_kedro.emr.package import build_package
from fruits_kedro.emr.request import cluster_request
from fruits_kedro.emr.serverless import job_request
from fruits_kedro.emr.submit import RunOptions, submit_arguments
from fruits_kedro.emr.upload import need_uploaded, upload_package

CACHE = Path.home() / ".cache" / "fruits-kedro-tests"
# Stands in for a node's `aws --region R s3 cp --recursive --only-show-errors SOURCE TARGET`.
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
def yarn(s3_server, settings, uploaded, tmp_path_factory):
    jars, native = fetch_jars(CACHE / "yarn-3.3.4"), fetch_native(CACHE / "native")
    spark = fetch_spark(CACHE)
    configurations = cluster_request(settings, uploaded, "tests")["Configurations"]
    folder = tmp_path_factory.mktemp("yarn")
    cluster = Yarn(folder, jars, native, spark, s3_server.environment, configurations)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def settings(project, s3_server):
    found = EmrContext.load().settings
    return found.model_copy(update={"bucket": BUCKET, "weights": "embedded"})


@pytest.fixture(scope="module")
def in_server(s3_server):
    patch = pytest.MonkeyPatch()
    for name, value in s3_server.environment.items():
        patch.setenv(name, value)
    yield Aws(s3_server.environment["AWS_REGION"])
    patch.undo()


@pytest.fixture(scope="module")
def package(project, settings, in_server):
    folder = CACHE / "package"  # it keeps its wheels
    built = build_package(
        project, folder, settings.python, "x86_64", BackboneSettings(weights=settings.weights)
    )
    upload_package(in_server, built, settings.package_root, lambda *_: None)
    return built


@pytest.fixture(scope="module")
def uploaded(package, settings, in_server):
    return need_uploaded(in_server, settings.package_root)


@pytest.fixture(scope="module")
def node(package, uploaded, settings, tmp_path_factory):
    """A node after its bootstrap: all that it has comes from the bucket."""
    root = tmp_path_factory.mktemp("node")
    (root / "bin").mkdir()
    (root / "bin" / "aws").write_text(AWS.format(python=sys.executable))
    (root / "bin" / "aws").chmod(0o755)
    path = f"{root / 'bin'}:{os.environ['PATH']}"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    installed = subprocess.run(
        [
            *("bash", package.folder / "bootstrap.sh", uploaded.url, python, settings.region),
            uploaded.sums,
        ],
        env=os.environ | {"FRUITS_KEDRO_ROOT": str(root / "opt"), "PATH": path},
        capture_output=True,
        text=True,
    )
    assert installed.returncode == 0, installed.stderr
    for file in (root / "opt" / "conf" / "emr").glob("*.yml"):  # installed elsewhere than on EMR
        file.write_text(file.read_text().replace("/opt/fruits-kedro", str(root / "opt")))
    return root / "opt"


SMALL = {
    "spark.executor.instances": "1",
    "spark.executor.cores": "2",
    "spark.executor.memory": "700m",
    "spark.executor.memoryOverhead": "700m",
    "spark.driver.memory": "700m",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "64",  # of a file of the checkpoint
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",  # as all others
}


@pytest.fixture(scope="module")
def spark_submit(yarn, tmp_path_factory):
    """Start ``spark-submit`` as a cluster's primary node has it."""
    spark_conf = tmp_path_factory.mktemp("spark_conf")
    own = {  # what EMR's own spark-defaults and core-site bring
        "spark.shuffle.service.enabled": "true",
        "spark.shuffle.service.port": str(yarn.shuffle_port),
        "spark.yarn.jars": f"local:{yarn.spark}/jars/*",  # else zipped and sent at each start
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": yarn.environment["AWS_ENDPOINT_URL"],
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    lines = [f"{name} {value}" for name, value in own.items()]
    (spark_conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")

    def start(*arguments):
        return subprocess.Popen(
            [str(yarn.spark / "bin" / "spark-submit"), *map(str, arguments)],
            env=yarn.client_environment(spark_conf),
            cwd=spark_conf,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture(scope="module")
def spark_settings(node):
    """Those of ``kedro emr submit``, small, for a node that was installed elsewhere."""
    context = EmrContext.load()
    found = context.spark | context.sizing.spark_settings | SMALL
    return {
        k: v.replace("/opt/fruits-kedro", str(node)) if isinstance(v, str) else v
        for k, v in found.items()
    }


@pytest.fixture(scope="module")
def submit(spark_submit, spark_settings, settings, node):
    """Start a run with the arguments that ``kedro emr submit`` gives to EMR."""

    def start(mode, params, run=None, pipelines=None):
        options = RunOptions(spark_settings, "emr", mode, pipelines, params)
        arguments = submit_arguments(options, settings.region, str(node))[1:]
        if run is not None:
            arguments = [str(run) if a == f"{node}/run.py" else a for a in arguments]
        return spark_submit(*arguments)

    return start


@pytest.fixture(scope="module")
def job(package, in_server):
    """The request of a job run on EMR Serverless, whose package is in the bucket."""
    context = EmrContext.load(on="serverless")
    settings = context.settings.model_copy(update={"bucket": BUCKET})
    environment = build_environment(package, settings.python, settings.arch)
    upload_package(in_server, environment, settings.package_root, lambda *_: None)
    uploaded = need_uploaded(in_server, settings.package_root)

    def make(params):
        how = {"pipelines": NUMBERS[1], "params": params}
        options = RunOptions(context.spark | SMALL, "serverless", **how)
        return job_request(settings, options, uploaded)

    return make


@pytest.fixture(scope="module")
def local(kedro_run, photos, node, tmp_path_factory):
    store = tmp_path_factory.mktemp("local")
    params = {"extraction.weights": node / "model.backbone", "pca.n_components": 7}
    outcome = kedro_run(*NUMBERS, images=photos, store=store, **params)
    assert outcome.exit_code == 0, outcome.output
    return results(store)


@pytest.fixture(scope="module")
def bucket(s3_server, photos):
    s3_server.upload(photos, "on-yarn")
    return s3_server
