"""A real S3 server on this machine, real runs against it, and photos for both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.s3.server import BUCKET, S3Server

from fruits_kedro.commands.sample import write_sample

ODD = ["Pêche + mûre [été]", "50% off #1", "a=b & 'c'"]
_MAVEN = "https://repo1.maven.org/maven2/org/apache/hadoop/hadoop-aws/maven-metadata.xml"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The server, with an empty bucket."""
    server = S3Server(tmp_path_factory.mktemp("seaweedfs"))
    server.start()
    server.client.create_bucket(Bucket=BUCKET)
    yield server
    server.stop()


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with this process' AWS variables pointing to it."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def maven() -> None:
    """Skip where Spark cannot fetch its S3 client (and fail in CI)."""
    try:
        urllib.request.urlopen(_MAVEN, timeout=20).close()
    except OSError as error:
        message = f"Maven's repository cannot be reached: {error}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def kedro_process(project: Path, s3_server: S3Server) -> Callable[..., subprocess.Popen]:
    """Start ``kedro run`` as a user does, in a process of its own, with the server's keys."""

    def start(
        *arguments: str,
        command: str = "run",
        variables: Mapping[str, str] | None = None,
        **params: object,
    ) -> subprocess.Popen:
        given = {"extraction.weights": "embedded", **params}
        text = ",".join(f"{key}={value}" for key, value in given.items())
        kedro = shutil.which("kedro", path=Path(sys.executable).parent)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment |= {"KEDRO_ENV": "test", **(variables or s3_server.environment)}
        return subprocess.Popen(
            [kedro, command, "--params", text, *arguments],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 photos, of which some have names that URLs do not love, and 10 broken ones.

    With two cores, each has two files of the checkpoint to write, of 64 rows.
    """
    root = tmp_path_factory.mktemp("photos")
    sum(write_sample(root, classes=6, images=40, seed=1, broken=10))
    for folder, name in zip(sorted((root / "Training").iterdir()), ODD):
        (root / "Training" / name).mkdir()
        for path in sorted(folder.glob("r0_1*")):
            path.rename(root / "Training" / name / f"{name} {path.name}")
    return root
