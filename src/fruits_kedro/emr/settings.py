"""The settings of a cluster and of a Serverless application, typed and closed: ``emr.yml``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from fruits_kedro.backbones.architectures import MOBILENETV2
from fruits_kedro.validation import StrictModel


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
    """What a cluster and an application share.

    Attributes:
        name: of the cluster or application, by which it is found again.
        allow_outside_eu: allow a region outside the European Union.
        bucket: for packages and logs.
        prefix: the key below which they lie.
        release: of EMR, 7.10 or later.
        python: version of the nodes and of the wheels.
        backbone: ``extraction.backbone`` at packaging time.
        weights: ``extraction.weights`` at packaging time.
        executor: its cores and memory.
        idle_minutes: without work, after which the cluster ends or the application stops.
        start_minutes: expected time to start, for estimates.
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
    backbone: str = MOBILENETV2
    weights: str = "auto"
    executor: Executor = Executor()
    idle_minutes: Annotated[int, Field(ge=1, le=10080)]
    start_minutes: PositiveFloat
    images_per_s_per_core: PositiveFloat = 70
    tags: dict[str, str] = Field(default={})

    @field_validator("release")
    @classmethod
    def _with_s3a(cls, value: str) -> str:
        found = re.fullmatch(r"emr-7\.(\d+)\.\d+", value)
        if not found or int(found[1]) < 10:
            raise ValueError("give emr-7.10.0 or a later 7.x: Spark 3.5 with S3A as its S3 client")
        return value

    @property
    def package_root(self) -> str:
        """URL below which each package has a folder of its own."""
        return f"s3://{self.bucket}/{self.prefix}/package"

    @property
    def log_root(self) -> str:
        """URL of EMR's logs."""
        return f"s3://{self.bucket}/{self.prefix}/logs"


class SecurityGroups(StrictModel):
    """Ids of the groups that EMR may manage: of the primary node, and of all others.

    Attributes:
        service_access: of EMR itself, which a private subnet needs.
    """

    primary: str
    core: str
    service_access: str | None = None


class ClusterSettings(EmrSettings):
    """The cluster: ``conf/emr/emr.yml``.

    Attributes:
        service_role: the role of EMR itself.
        instance_profile: gives the nodes their rights.
        subnet: id of one, or null for the default network's.
        security_groups: of the subnet's network, or null: EMR makes some.
        key_pair: name of an SSH key, or null for none.
        kms_key: ARN of the key of the nodes' disks, or null.
        primary: the node that coordinates.
        core: the nodes that work.
        task: extra Spot nodes.
        volume_gib: disk of each node (gp3), beside that of its system.
        notebooks: run JupyterHub, and what EMR Studio needs, on the primary node.
    """

    service_role: str
    instance_profile: str
    subnet: str | None = None
    security_groups: SecurityGroups | None = None
    key_pair: str | None = None
    kms_key: str | None = None
    primary: Group
    core: Group
    task: Group
    volume_gib: Annotated[int, Field(ge=32)] = 64
    notebooks: bool = False

    @field_validator("core")
    @classmethod
    def _works(cls, value: Group) -> Group:
        if value.count < 1:
            raise ValueError("there has to be at least one core node")
        return value

    @property
    def groups(self) -> dict[str, Group]:
        """The groups that have nodes."""
        all_groups = {"primary": self.primary, "core": self.core, "task": self.task}
        return {name: group for name, group in all_groups.items() if group.count}


class ServerlessSettings(EmrSettings):
    """The application of EMR Serverless: ``conf/serverless/emr.yml``.

    Attributes:
        job_role: ARN of the role that gives a run its rights.
        arch: of the workers, ``x86_64`` or ``aarch64``.
        executors: number of executors; each has ``executor.cores`` cores.
        driver_vcpu: cores of the driver's worker.
        driver_gb: its memory.
        max_vcpu: cap on all that the application may use at a time: the brake on its cost.
        timeout_minutes: after which a run is ended.
    """

    job_role: str
    arch: Literal["x86_64", "aarch64"] = "x86_64"
    executors: PositiveInt = 6
    driver_vcpu: Literal[1, 2, 4, 8, 16] = 2
    driver_gb: Annotated[int, Field(ge=2)] = 6
    max_vcpu: PositiveInt = 32
    timeout_minutes: Annotated[int, Field(ge=5)] = 720

    @field_validator("job_role")
    @classmethod
    def _is_arn(cls, value: str) -> str:
        if not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/.+", value):
            raise ValueError("give the role's ARN: the output JobRole of the template")
        return value


Settings = ClusterSettings | ServerlessSettings
