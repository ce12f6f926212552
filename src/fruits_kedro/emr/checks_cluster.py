"""Checks of what a cluster alone needs: roles, network, instance types, quotas."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fruits_kedro.config.prices import PriceList
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.request import MANAGED
from fruits_kedro.emr.settings import ClusterSettings
from fruits_kedro.errors import FruitsError

if TYPE_CHECKING:
    from fruits_kedro.emr.context import EmrContext

# Service Quotas' codes for vCPUs of standard types (A, C, D, H, I, M, R, T, Z).
_QUOTAS = {"on demand": "L-1216C47A", "Spot": "L-34B43A08"}
_STANDARD = re.compile(r"(a|c|d|h|i|im|is|m|r|t|z)\d")
_SPOT_ROLE = "AWSServiceRoleForEC2Spot"


def cluster_checks(context: EmrContext) -> dict[str, Callable[[], str]]:
    """The checks by their names."""
    aws, settings, types = context.aws, context.cluster, context.types
    checks: dict[str, Callable[[], str]] = {
        "service role": lambda: aws.role(settings.service_role),
        "instance profile": lambda: _instance_profile(aws, settings),
        "key pair": lambda: _key_pair(aws, settings),
        "subnet": lambda: _subnet(aws, settings),
        "instance types": lambda: _types(aws, settings, context.architecture),
        "vCPU quota": lambda: _quota(aws, settings, types),
    }
    if settings.task.count:
        checks["Spot role"] = lambda: _spot_role(aws)
    return checks


def _spot_role(aws: Aws) -> str:
    remedy = (
        "An account's first Spot node needs it, and EMR's role may not make it: "
        "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"
    )
    return aws.role(_SPOT_ROLE, f"{_SPOT_ROLE} is missing", remedy)


def _instance_profile(aws: Aws, settings: ClusterSettings) -> str:
    name = settings.instance_profile
    with explained(f"{name} (the template in docs/emr.md makes it)"):
        found = aws.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    if not found["Roles"]:
        raise FruitsError(f"The instance profile {name} has no role. Add one to it.")
    return str(found["Arn"])


def _key_pair(aws: Aws, settings: ClusterSettings) -> str:
    if not settings.key_pair:
        return "none asked for: Session Manager is the way in"
    with explained(f"{settings.key_pair} (make it, or set key_pair: null)"):
        aws.client("ec2").describe_key_pairs(KeyNames=[settings.key_pair])
    return settings.key_pair


def _subnet(aws: Aws, settings: ClusterSettings) -> str:
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


def _check_tags(ec2: Any, settings: ClusterSettings, vpc: str, subnets: list[Any]) -> None:
    """Raise FruitsError, with the command, where the network lacks the tag of EMR's policy."""
    with explained("asking for the network's tags"):
        network = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"] + subnets
        groups: dict[str, Any] = {
            "Filters": [
                {"Name": "vpc-id", "Values": [vpc]},
                {"Name": "group-name", "Values": ["ElasticMapReduce-*"]},
            ]
        }
        if given := settings.security_groups:  # then those of earlier clusters are not used
            ids = (given.primary, given.core, given.service_access)
            groups = {"GroupIds": [one for one in ids if one]}
        network += ec2.describe_security_groups(**groups)["SecurityGroups"]
    wanted = {"Key": MANAGED, "Value": "true"}
    lacking = [one for one in network if wanted not in one.get("Tags", [])]
    # A security group names its network, too.
    named = [one.get("GroupId") or one.get("SubnetId") or one["VpcId"] for one in lacking]
    if named:
        raise FruitsError(
            f"EMR may not use this network without a tag:\naws ec2 create-tags --region "
            f"{settings.region} --tags Key={MANAGED},Value=true --resources {' '.join(named)}"
        )


def _types(aws: Aws, settings: ClusterSettings, architecture: Callable[[], str]) -> str:
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
    architecture()
    return ", ".join(kinds)


def _quota(aws: Aws, settings: ClusterSettings, types: PriceList) -> str:
    needed = {"on demand": 0, "Spot": 0}
    for name, group in settings.groups.items():
        market = "Spot" if name == "task" else "on demand"
        needed[market] += group.count * types.instance(group.type).vcpu
    in_use = _vcpus_in_use(aws)
    said = []
    for market, vcpus in needed.items():
        if not vcpus:
            continue
        allowed, used = aws.quota("ec2", _QUOTAS[market]), in_use[market]
        if vcpus + used > allowed:
            raise FruitsError(
                f"{vcpus} vCPUs {market} are needed, {used} are in use, and this account may use "
                f"{allowed:.0f} in {settings.region}. Ask AWS for more (Service Quotas, "
                f"{_QUOTAS[market]}), take fewer or smaller nodes, or end what runs there."
            )
        said.append(f"{vcpus} of {allowed - used:.0f} {market}")
    return ", ".join(said)


def _vcpus_in_use(aws: Aws) -> dict[str, int]:
    """The vCPUs of standard types that run now, by market."""
    used = {"on demand": 0, "Spot": 0}
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    with explained("asking for the instances in use"):
        pages = aws.client("ec2").get_paginator("describe_instances").paginate(Filters=states)
        found = [i for p in pages for r in p["Reservations"] for i in r["Instances"]]
    for instance in (one for one in found if _STANDARD.match(one["InstanceType"])):
        options = instance.get("CpuOptions", {})
        vcpus = options.get("CoreCount", 0) * options.get("ThreadsPerCore", 0)
        used["Spot" if instance.get("InstanceLifecycle") == "spot" else "on demand"] += vcpus
    return used
