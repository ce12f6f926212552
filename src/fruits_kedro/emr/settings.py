"""The settings of the cluster, typed and closed: ``conf/emr/emr.yml``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from fruits_kedro.validation import StrictModel

_EU = re.compile(r"eu-[a-z]+-\d")
_NOT_EU = {"eu-west-2", "eu-central-2"}  # London, Zurich


class Group(StrictModel):
    """Nodes of one instance type, such as ``c6g.2xlarge``."""

    type: str
    count: Annotated[int, Field(ge=0)] = 1


class Executor(StrictModel):
    """The size of a Spark executor.

    Attributes:
        cores: each has a Python worker.
        worker_mb: memory of a Python worker, in MB.
        heap_mb_per_core: memory of the JVM, in MB per core.
    """

    cores: PositiveInt = 4
    worker_mb: PositiveInt = 300
    heap_mb_per_core: PositiveInt = 768


class EmrSettings(StrictModel):
    """The cluster.

    Attributes:
        name: of the cluster, by which it is found again.
        allow_outside_eu: allow a region outside the European Union.
        bucket: for packages and logs.
        prefix: the key below which they lie.
        release: of EMR, 7.10 or later.
        python: version on the nodes.
        weights: ``extraction.weights`` at packaging time.
        service_role: the role of EMR itself.
        instance_profile: gives the nodes their rights.
        subnet: id of one, or null for the default network's.
        key_pair: name of an SSH key, or null for none.
        kms_key: ARN of the key of the nodes' disks, or null.
        primary: the node that coordinates.
        core: the nodes that work.
        task: extra Spot nodes.
        volume_gib: disk of each node (gp3).
        idle_minutes: after which the cluster ends by itself.
        notebooks: run JupyterHub, and what EMR Studio needs, on the primary node.
        images_per_s_per_core: expected speed of the extraction, for estimates.
        tags: of all that is created.
    """

    name: str
    region: str
    allow_outside_eu: bool = False
    bucket: str
    prefix: str
    release: str
    python: str = "3.11"
    weights: str = "auto"
    service_role: str
    instance_profile: str
    subnet: str | None = None
    key_pair: str | None = None
    kms_key: str | None = None
    primary: Group
    core: Group
    task: Group
    volume_gib: Annotated[int, Field(ge=32)] = 64
    idle_minutes: Annotated[int, Field(ge=1, le=10080)] = 20
    notebooks: bool = False
    executor: Executor = Executor()
    images_per_s_per_core: PositiveFloat = 70
    tags: dict[str, str] = Field(default={})

    @field_validator("release")
    @classmethod
    def _with_s3a(cls, value: str) -> str:
        found = re.fullmatch(r"emr-7\.(\d+)\.\d+", value)
        if not found or int(found[1]) < 10:
            raise ValueError("give emr-7.10.0 or a later 7.x: Spark 3.5 with S3A as its S3 client")
        return value

    @field_validator("core")
    @classmethod
    def _works(cls, value: Group) -> Group:
        if value.count < 1:
            raise ValueError("there has to be at least one core node")
        return value

    @property
    def in_eu(self) -> bool:
        """Whether the region lies in the European Union (London and Zurich do not)."""
        return bool(_EU.match(self.region)) and self.region not in _NOT_EU

    @property
    def package_root(self) -> str:
        """URL of the package."""
        return f"s3://{self.bucket}/{self.prefix}/package"

    @property
    def log_root(self) -> str:
        """URL of EMR's logs."""
        return f"s3://{self.bucket}/{self.prefix}/logs"

    @property
    def groups(self) -> dict[str, Group]:
        """The groups that have nodes."""
        all_groups = {"primary": self.primary, "core": self.core, "task": self.task}
        return {name: group for name, group in all_groups.items() if group.count}
