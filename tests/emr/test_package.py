"""What is uploaded: no secret, nothing of one's own, and the versions of the lock file."""

import io
import os
import re
import runpy
import subprocess
import sys
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from fruits_kedro.emr.package import archive_configuration
from fruits_kedro.errors import FruitsError


@pytest.fixture
def conf(tmp_path):
    contents = {
        "base/globals.yml": "store: data",
        "base/credentials.yml": "s3: {aws_access_key_id: none}",
        "local/globals.yml": "store: /home/me",
        "local/credentials.yml": "s3: {aws_access_key_id: mine}",
        "emr/spark.yml": "spark.master: yarn",
        "base/prices.yml": "prices: null",
    }
    for name, text in contents.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "conf"


def test_the_configuration_goes_without_local_and_without_credentials(conf):
    packed = archive_configuration(conf)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = archive.getnames()
        assert archive.extractfile("conf/emr/spark.yml").read() == b"spark.master: yarn"
    assert names == ["conf/base/globals.yml", "conf/emr/spark.yml"]
    (conf / "emr" / "spark.yml").touch()
    assert archive_configuration(conf) == packed


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "Q" * 16,
        "aws_secret_access_key: abc",
        "-----BEGIN RSA PRIVATE " + "KEY-----",
        "{spark.hadoop.fs.s3a.secret.key: abc}",
        "gh" + "p_" + "q" * 36,
        "\n  db.password: abc",
    ],
)
def test_a_secret_in_the_configuration_is_refused(conf, secret):
    (conf / "emr" / "spark.yml").write_text(f"x: {secret}")
    with pytest.raises(FruitsError, match="spark.yml looks as if it held a key"):
        archive_configuration(conf)


def test_no_telemetry_leaves_a_node_wherever_the_driver_is(monkeypatch):
    """The file that spark-submit runs says so itself: in client mode there is no container."""
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    ran = []
    monkeypatch.setattr(
        runpy, "run_module", lambda *_, **__: ran.append(os.environ["DO_NOT_TRACK"])
    )
    runpy.run_path(str(files("fruits_kedro.emr") / "node" / "run.py"))
    assert ran == ["1"]


def pins(text):
    entries = re.split(r"\n(?=\S)", text)
    found = (re.match(r"([\w.-]+)==([^\s;\\]+)", entry) for entry in entries)
    return {
        (m[1], m[2]): set(re.findall(r"sha256:(\w+)", entry))
        for m, entry in zip(found, entries)
        if m
    }


def test_the_nodes_get_what_was_tested(project):
    ours = pins((project / "requirements.lock").read_text())
    nodes = pins((files("fruits_kedro.emr") / "cluster.lock").read_text())
    assert len(nodes) > 50 and set(nodes) <= set(ours)
    assert all(hashes and hashes <= ours[pin] for pin, hashes in nodes.items())


def test_the_template_is_valid(project):
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [lint, project / "deploy" / "cloudformation.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_runs_may_write_results_and_logs_and_nothing_that_they_read(project):
    template = cfn_yaml.load(str(project / "deploy" / "cloudformation.yml"))
    policy = template["Resources"]["DataPolicy"]["Properties"]["PolicyDocument"]
    by_name = {one["Sid"]: one for one in policy["Statement"] if "Sid" in one}
    places = {
        name: [place["Fn::Sub"] for place in one["Resource"]]
        for name, one in by_name.items()
        if isinstance(one["Resource"], list)
    }
    assert by_name["Read"]["Action"] == "s3:GetObject"
    assert "${Bucket.Arn}/${ClusterPrefix}/package/*" in places["Read"]
    assert "${Bucket.Arn}/${PhotosPrefix}/*" in places["Read"]
    writes = places["Write"] + places["Log"]
    assert writes == [
        "${Bucket.Arn}/${StorePrefix}",
        "${Bucket.Arn}/${StorePrefix}/*",
        "${Bucket.Arn}/jupyter/*",
        "${Bucket.Arn}/${ClusterPrefix}/logs/*",
        "${Bucket.Arn}/${ServerlessPrefix}/logs/*",
    ]
    writing = {name for name, one in by_name.items() if "s3:PutObject" in one["Action"]}
    assert writing == {"Write", "Log"} and set(by_name) == writing | {"List", "Read"}
