"""Checks before a cluster is created; each says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from fruits_kedro.commands.checks import run_checks
from fruits_kedro.config.prices import Prices
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.cluster import MANAGED
from fruits_kedro.emr.package import Package
from fruits_kedro.emr.settings import EmrSettings
from fruits_kedro.emr.upload import uploaded_id
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.formats import extensions
from fruits_kedro.images.source import PACKED_SUFFIX
from fruits_kedro.storage.manifest import MARK
from fruits_kedro.storage.s3 import split_url

# Service Quotas' codes for vCPUs of standard types (A, C, D, H, I, M, R, T, Z).
_QUOTAS = {"on demand": "L-1216C47A", "Spot": "L-34B43A08"}


def check_all(
    aws: Aws, settings: EmrSettings, prices: Prices, images: str, package: Callable[[], Package]
) -> dict[str, Any]:
    """The results of all checks, as :func:`run_checks` gives them.

    Args:
        images: root of the photos.
        package: builds the package that this checkout would upload.
    """
    checks: dict[str, Callable[[], str]] = {
        "credentials": lambda: _identity(aws),
        "region": lambda: _region(settings),
        "bucket": lambda: _bucket(aws, settings),
        "encryption": lambda: _encryption(aws, settings.bucket),
        "public access": lambda: _private(aws, settings.bucket),
        "photos": lambda: _photos(aws, images),
        "service role": lambda: _service_role(aws, settings),
        "instance profile": lambda: _instance_profile(aws, settings),
        "key pair": lambda: _key_pair(aws, settings),
        "subnet": lambda: _subnet(aws, settings),
        "instance types": lambda: _types(aws, settings, prices),
        "vCPU quota": lambda: _quota(aws, settings, prices),
        "package": lambda: _package(aws, settings, package()),
    }
    return run_checks(checks)


def _identity(aws: Aws) -> str:
    remedy = "Sign in (aws sso login), or set AWS_PROFILE or the AWS_… keys."
    with explained("asking who you are", remedy):
        return str(aws.client("sts").get_caller_identity()["Arn"])


def _region(settings: EmrSettings) -> str:
    if not settings.in_eu and not settings.allow_outside_eu:
        raise FruitsError(
            f"{settings.region} lies outside the European Union. Choose another region in "
            "conf/emr/emr.yml, or set allow_outside_eu: true there."
        )
    return settings.region


def _bucket(aws: Aws, settings: EmrSettings) -> str:
    remedy = "Create it with the CloudFormation template, or correct 'bucket' in conf/emr/emr.yml."
    with explained(f"{settings.bucket}: looking for it", remedy):
        aws.s3.head_bucket(Bucket=settings.bucket)
        where = aws.s3.get_bucket_location(Bucket=settings.bucket)["LocationConstraint"]
    where = {None: "us-east-1", "EU": "eu-west-1"}.get(where, where)
    if where != settings.region:
        raise FruitsError(
            f"{settings.bucket} is in {where}, the cluster would be in {settings.region}: every "
            "byte would cross regions and be billed. Use one region for both."
        )
    return f"{settings.bucket} in {where}"


def _encryption(aws: Aws, bucket: str) -> str:
    remedy = f"Switch on default encryption of {bucket} (S3 console, Properties)."
    with explained(f"{bucket} has no default encryption", remedy):
        found = aws.s3.get_bucket_encryption(Bucket=bucket)
    rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]
    return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def _private(aws: Aws, bucket: str) -> str:
    remedy = f"Switch on 'Block all public access' of {bucket} (S3 console, Permissions)."
    with explained(f"{bucket} does not block public access", remedy):
        found = aws.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    if not all(found.values()):
        open_ = ", ".join(name for name, blocked in found.items() if not blocked)
        raise FruitsError(f"{bucket} does not block public access ({open_} is off). {remedy}")
    return "blocked"


def _photos(aws: Aws, images: str) -> str:
    if images.rstrip("/").endswith(PACKED_SUFFIX):
        if aws.download(f"{images.rstrip('/')}/{MARK}") is None:
            raise FruitsError(f"The packed photos {images} are not there, or not complete.")
        return "packed"
    for entry in islice(aws.listing(images.rstrip("/") + "/"), 10_000):
        if entry["Key"].lower().endswith(extensions()):
            return f"for example s3://{split_url(images)[0]}/{entry['Key']}"
    raise FruitsError(
        f"There is no photo below {images}. Upload some (aws s3 sync), or correct 'images' in "
        "conf/emr/globals.yml."
    )


def _package(aws: Aws, settings: EmrSettings, package: Package) -> str:
    uploaded = uploaded_id(aws, settings.package_root)
    if uploaded != package.id:
        raise FruitsError(
            f"The uploaded package {uploaded} is not the current one, {package.id}: "
            "kedro emr package"
        )
    return uploaded


def _service_role(aws: Aws, settings: EmrSettings) -> str:
    with explained(f"{settings.service_role} (the template in docs/emr.md makes it)"):
        found = aws.client("iam").get_role(RoleName=settings.service_role)
    return str(found["Role"]["Arn"])


def _instance_profile(aws: Aws, settings: EmrSettings) -> str:
    name = settings.instance_profile
    with explained(f"{name} (the template in docs/emr.md makes it)"):
        found = aws.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    if not found["Roles"]:
        raise FruitsError(f"The instance profile {name} has no role. Add one to it.")
    return str(found["Arn"])


def _key_pair(aws: Aws, settings: EmrSettings) -> str:
    if not settings.key_pair:
        return "none asked for: Session Manager is the way in"
    with explained(f"{settings.key_pair} (make it, or set key_pair: null)"):
        aws.client("ec2").describe_key_pairs(KeyNames=[settings.key_pair])
    return settings.key_pair


def _subnet(aws: Aws, settings: EmrSettings) -> str:
    ec2 = aws.client("ec2")
    if settings.subnet:
        with explained(f"{settings.subnet} (correct 'subnet' in conf/emr/emr.yml)"):
            found = ec2.describe_subnets(SubnetIds=[settings.subnet])["Subnets"][0]
        nodes = sum(group.count for group in settings.groups.values())
        if found["AvailableIpAddressCount"] < nodes:
            raise FruitsError(
                f"{settings.subnet} has {found['AvailableIpAddressCount']} free addresses, and "
                f"{nodes} nodes need one each. Choose a larger subnet."
            )
        _check_tags(ec2, settings, found["VpcId"], [found])
        return f"{settings.subnet} in {found['AvailabilityZone']}"
    with explained("looking for the default network"):
        default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not default:
        raise FruitsError(
            "This account has no default network in this region. Give a 'subnet' in "
            "conf/emr/emr.yml."
        )
    vpc = default[0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    _check_tags(ec2, settings, vpc, subnets)
    return "the default network's"


def _check_tags(ec2: Any, settings: EmrSettings, vpc: str, subnets: list[Any]) -> None:
    """Raise FruitsError, with the command, where the network lacks the tag of EMR's policy."""
    with explained("asking for the network's tags"):
        network = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"] + subnets
        network += ec2.describe_security_groups(
            Filters=[
                {"Name": "vpc-id", "Values": [vpc]},
                {"Name": "group-name", "Values": ["ElasticMapReduce-*"]},
            ]
        )["SecurityGroups"]
    wanted = {"Key": MANAGED, "Value": "true"}
    lacking = [one for one in network if wanted not in one.get("Tags", [])]
    # A security group names its network, too.
    ids = [one.get("GroupId") or one.get("SubnetId") or one["VpcId"] for one in lacking]
    if ids:
        raise FruitsError(
            f"EMR may not use this network without a tag:\naws ec2 create-tags --region "
            f"{settings.region} --tags Key={MANAGED},Value=true --resources {' '.join(ids)}"
        )


def _types(aws: Aws, settings: EmrSettings, prices: Prices) -> str:
    kinds = sorted({group.type for group in settings.groups.values()})
    with explained("asking for the instance types"):
        offers = aws.client("ec2").describe_instance_type_offerings(
            LocationType="region", Filters=[{"Name": "instance-type", "Values": kinds}]
        )["InstanceTypeOfferings"]
    if missing := set(kinds) - {offer["InstanceType"] for offer in offers}:
        raise FruitsError(
            f"{', '.join(sorted(missing))} is not offered in {settings.region}. "
            "Choose other types in conf/emr/emr.yml."
        )
    architecture(settings, prices)
    return ", ".join(kinds)


def architecture(settings: EmrSettings, prices: Prices) -> str:
    """The nodes' architecture, ``x86_64`` or ``aarch64``; FruitsError if they differ."""
    kinds = {prices.instance(group.type).arch for group in settings.groups.values()}
    if len(kinds) > 1:
        raise FruitsError(
            "The nodes' processors differ (x86_64 and aarch64): one package serves one of them. "
            "Choose types of one kind in conf/emr/emr.yml."
        )
    return kinds.pop()


def _quota(aws: Aws, settings: EmrSettings, prices: Prices) -> str:
    needed = {"on demand": 0, "Spot": 0}
    for name, group in settings.groups.items():
        market = "Spot" if name == "task" else "on demand"
        needed[market] += group.count * prices.instance(group.type).vcpu
    said = []
    for market, vcpus in needed.items():
        if not vcpus:
            continue
        with explained(f"asking for the quota of {market} vCPUs"):
            found = aws.client("service-quotas").get_service_quota(
                ServiceCode="ec2", QuotaCode=_QUOTAS[market]
            )["Quota"]["Value"]
        if vcpus > found:
            raise FruitsError(
                f"{vcpus} vCPUs {market} are needed, and this account may use {found:.0f} in "
                f"{settings.region}. Ask AWS for more (Service Quotas, {_QUOTAS[market]}), or take "
                "fewer or smaller nodes."
            )
        said.append(f"{vcpus} of {found:.0f} {market}")
    return ", ".join(said)
