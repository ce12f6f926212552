"""AWS as moto's server plays it: real HTTP, real clients, no account."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from fruits_kedro.config.prices import Prices
from fruits_kedro.emr.aws import _BLOCKED, Aws
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.package import SUMS, Package
from fruits_kedro.emr.request import MANAGED

REGION, BUCKET = "eu-west-3", "my-bucket"  # as in conf/emr
KEY, SECRET = "AKEMRTESTS", "the-secret-of-the-emr-tests"
PRICES = Prices(
    as_of=datetime.now(UTC).date(),
    region=REGION,
    currency="USD",
    ec2={"m6g.xlarge": 0.2, "c6g.2xlarge": 0.3},
    spot={"c6g.2xlarge": 0.15},
    emr={"m6g.xlarge": 0.05, "c6g.2xlarge": 0.1},
    gp3_gib_month=0.073,
    ipv4_hour=0.005,
    s3_get_1000=0.0004,
    s3_put_1000=0.005,
    serverless={"x86_64": {"vcpu_hour": 0.06, "gb_hour": 0.007}},
    serverless_storage_gb_hour=0.0001,
)
RESULTS = [
    "02_intermediate/class_counts.csv",
    "04_feature/extracted_features/_SUCCESS",
    "04_feature/extracted_features/part-0.parquet",
    "08_reporting/model_info.json",
]


@pytest.fixture(scope="session", autouse=True)
def loader() -> Iterator[None]:
    """One reader of botocore's descriptions of services, megabytes of JSON, for all clients."""
    patch, made = pytest.MonkeyPatch(), botocore.loaders.create_loader()
    patch.setattr(botocore.session, "create_loader", lambda *_: made)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # hundreds, anew after each test
    from moto.server import ThreadedMotoServer  # a second, which only these tests should pay

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@cache
def _client(server: str, service: str, region: str = REGION) -> Any:
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    return boto3.Session().client(service, region_name=region, endpoint_url=server, **keys)


@pytest.fixture
def aws(moto_server: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """An account in which everything is in order; ``aws("s3")`` is a client of it."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    names = {"AWS_ENDPOINT_URL": moto_server, "AWS_ACCESS_KEY_ID": KEY}
    names |= {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
    for name, value in names.items():
        monkeypatch.setenv(name, value)

    client = partial(_client, moto_server)
    s3, iam = client("s3"), client("iam")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(_BLOCKED, True)
    )
    s3.put_object(Bucket=BUCKET, Key="fruits-360/Training/Apple 1/a.jpg", Body=b"x")
    for role in ("service", "nodes", "jobs"):
        role = f"fruits-kedro-emr-{role}"
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="fruits-kedro-emr-nodes")
    iam.add_role_to_instance_profile(
        InstanceProfileName="fruits-kedro-emr-nodes", RoleName="fruits-kedro-emr-nodes"
    )
    ec2 = client("ec2")
    (vpc,) = (one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"])
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]]
    ec2.create_tags(Resources=[vpc, *subnets], Tags=[{"Key": MANAGED, "Value": "true"}])
    yield client
    import urllib.request

    reset = urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()


class StandIn:
    """A client of which some operations are the test's own."""

    def __init__(self, client: Any = None, **operations: Callable) -> None:
        self._client = client
        self.__dict__.update(operations)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give some operations of a service, and of ``Aws`` alone, to the test."""

    def arrange(service: str, **operations: Callable) -> None:
        real = Aws.client

        def client(self: Aws, name: str, *rest: str) -> Any:
            made = real(self, name, *rest)
            return StandIn(made, **operations) if name == service else made

        monkeypatch.setattr(Aws, "client", client)

    return arrange


@pytest.fixture
def quotas(stand_in: Callable[..., None]) -> dict[str, float]:
    """Quotas by their code: moto knows none of vCPUs, so this stands in for the service."""
    values = {"L-1216C47A": 64.0, "L-34B43A08": 64.0, "L-D05C8A75": 64.0}

    def get_service_quota(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        assert ServiceCode == ("emr-serverless" if QuotaCode == "L-D05C8A75" else "ec2")
        if QuotaCode not in values:
            refused = {"Code": "AccessDeniedException", "Message": "you may not"}
            raise ClientError({"Error": refused}, "GetServiceQuota")
        return {"Quota": {"Value": values[QuotaCode]}}

    stand_in("service-quotas", get_service_quota=get_service_quota)
    return values


@pytest.fixture
def account_block(stand_in: Callable[..., None]) -> dict[str, bool]:
    """What the account blocks: moto serves S3's control at a name that does not resolve here."""
    values = dict.fromkeys(_BLOCKED, False)

    def get_public_access_block(AccountId: str) -> dict[str, Any]:
        assert AccountId == "123456789012"
        return {"PublicAccessBlockConfiguration": values}

    stand_in("s3control", get_public_access_block=get_public_access_block)
    return values


@pytest.fixture
def small_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package of three files in place of the real one, which takes a minute to build."""
    folder = tmp_path / "package"
    folder.mkdir()
    hashes = {}
    for name in ("bootstrap.sh", "run.py", SUMS):
        (folder / name).write_text(name)
        hashes[name] = f"sha-of-{name}"
    package = Package(folder, hashes)
    monkeypatch.setattr(EmrContext, "package", property(lambda _: package))
    return package


@pytest.fixture
def emr(
    aws: Callable, small_package: Package, quotas: dict[str, float], account_block: dict[str, bool]
) -> Callable[..., Result]:
    """``kedro emr`` in this process: ``emr("check")``; ``code=`` is the expected exit code."""
    from fruits_kedro.cli import cli

    def invoke(*arguments: str, code: int = 0, given: str | None = None):
        result = CliRunner().invoke(cli, ["emr", *arguments], input=given)
        assert result.exit_code == code, (result.output, result.exception)
        assert SECRET not in result.output
        return json.loads(result.stdout) if "--json" in arguments else result.output

    return invoke


@pytest.fixture
def backend() -> Callable:
    """Moto's own record of the clusters: its states never move by themselves."""
    from moto.emr.models import emr_backends

    return lambda: [
        cluster
        for regions in emr_backends.values()
        for region in regions.values()
        for cluster in region.clusters.values()
    ]


@pytest.fixture
def changed_context(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a part of each context, which is a model, have other values."""

    def arrange(part: str, **values: object) -> None:
        load = EmrContext.load

        def changed(*given: str) -> EmrContext:
            context = load(*given)
            object.__setattr__(context, part, getattr(context, part).model_copy(update=values))
            return context

        monkeypatch.setattr(EmrContext, "load", changed)

    return arrange


@pytest.fixture
def with_prices(changed_context: Callable[..., None]) -> Prices:
    """Prices as 'kedro emr prices' would have written them."""
    changed_context("types", prices=PRICES)
    return PRICES


@pytest.fixture
def change(changed_context: Callable[..., None]) -> Callable[..., None]:
    """Other settings than conf/emr/emr.yml has."""
    return partial(changed_context, "settings")


@pytest.fixture
def running(emr):
    emr("package")
    return emr("up", "--yes", "--json")["created"]["id"]


def put_results(aws: Callable) -> None:
    for name in RESULTS:
        aws("s3").put_object(Bucket=BUCKET, Key=f"fruits-kedro/{name}", Body=b"x")
