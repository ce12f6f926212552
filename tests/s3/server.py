"""SeaweedFS, a real S3 server, as a process of its own that can be killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import boto3
from tests.ports import free_ports

KEY, SECRET = "AKTESTTESTTEST", "the-secret-of-the-tests"
BUCKET = "fruits"


@dataclass
class S3Server:
    """SeaweedFS as a process of its own, which can be killed and started again."""

    folder: Path
    ports: dict[str, int] = field(
        default_factory=lambda: dict(zip(("master", "volume", "filer", "s3"), free_ports(4)))
    )
    process: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.ports['s3']}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-west-3",
            "AWS_DEFAULT_REGION": "eu-west-3",
        }

    @property
    def settings(self) -> dict[str, str]:
        """The same, in boto3's words."""
        return {
            "endpoint_url": self.environment["AWS_ENDPOINT_URL"],
            "aws_access_key_id": KEY,
            "aws_secret_access_key": SECRET,
            "region_name": self.environment["AWS_REGION"],
        }

    @cached_property
    def client(self):
        return boto3.client("s3", **self.settings)

    def start(self) -> None:
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}]}
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity | {"actions": actions}]}))
        (self.folder / "data").mkdir(exist_ok=True)
        weed = Path(sys.executable).with_name("weed")
        ports = [f"-{name}.port={port}" for name, port in self.ports.items()]
        command = [weed, "server", f"-dir={self.folder / 'data'}", "-s3", "-ip=127.0.0.1"]
        command += ["-ip.bind=127.0.0.1", f"-s3.config={config}", "-volume.max=20", *ports]
        # Its own bound is a hundredth of the disk: on a large one, gigabytes.
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.minFreeSpace=100MiB"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.client.list_buckets()
                return
            except Exception:
                time.sleep(0.5)
        raise RuntimeError(f"SeaweedFS did not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def upload(self, folder: Path, prefix: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder).as_posix()}"
                self.client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def download(self, prefix: str, folder: Path) -> Path:
        for key in self.keys(prefix):
            if not key.endswith("/"):
                below = key.removeprefix(prefix).lstrip("/") or Path(key).name
                path = folder / below
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        return folder
