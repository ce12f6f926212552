"""Creates, finds, describes and ends the cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fruits_kedro.emr.aws import Aws, Show, explained, watch
from fruits_kedro.emr.settings import EmrSettings, Group
from fruits_kedro.errors import FruitsError

TAG = "fruits-kedro:cluster"
_PACKAGE = "fruits-kedro:package"
# EMR's managed service policy grants rights only on resources with this tag.
MANAGED = "for-use-with-amazon-emr-managed-policies"
_APPLICATIONS = ("Spark", "Hadoop")
_NOTEBOOKS = ("JupyterHub", "JupyterEnterpriseGateway", "Livy")
ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
READY = {"RUNNING", "WAITING"}
# The driver is in a container that YARN starts: never on a Spot node, whose loss would end the run.
_DRIVER_ON_DEMAND = {
    "yarn.node-labels.enabled": "true",
    "yarn.node-labels.am.default-node-label-expression": "ON_DEMAND",
}


def cluster_request(settings: EmrSettings, package_id: str) -> dict[str, Any]:
    """The complete arguments of ``run_job_flow``."""
    instances: dict[str, Any] = {
        "InstanceGroups": [_group(name, g, settings) for name, g in settings.groups.items()],
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
    }
    if settings.subnet:
        instances["Ec2SubnetId"] = settings.subnet
    if settings.key_pair:
        instances["Ec2KeyName"] = settings.key_pair
    bootstrap = {"Path": f"{settings.package_root}/bootstrap.sh"}
    arguments = [settings.package_root, settings.python, settings.region]
    tags = settings.tags | {
        TAG: settings.name,
        _PACKAGE: package_id,
        MANAGED: "true",
    }
    applications = _APPLICATIONS + (_NOTEBOOKS if settings.notebooks else ())
    return {
        "Name": settings.name,
        "ReleaseLabel": settings.release,
        "Applications": [{"Name": name} for name in applications],
        "Instances": instances,
        "ServiceRole": settings.service_role,
        "JobFlowRole": settings.instance_profile,
        "LogUri": settings.log_root + "/",
        "SecurityConfiguration": security_name(settings),
        "EbsRootVolumeSize": 30,
        "VisibleToAllUsers": True,
        "AutoTerminationPolicy": {"IdleTimeout": settings.idle_minutes * 60},
        "StepConcurrencyLevel": 1,
        "BootstrapActions": [
            {"Name": "fruits-kedro", "ScriptBootstrapAction": bootstrap | {"Args": arguments}}
        ],
        "Configurations": (
            [{"Classification": "yarn-site", "Properties": _DRIVER_ON_DEMAND}]
            if settings.task.count
            else []
        ),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }


def _group(name: str, group: Group, settings: EmrSettings) -> dict[str, Any]:
    disk = {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": settings.volume_gib}}
    return {
        "Name": name,
        "InstanceRole": "MASTER" if name == "primary" else name.upper(),
        "Market": "SPOT" if name == "task" else "ON_DEMAND",
        "InstanceType": group.type,
        "InstanceCount": group.count,
        "EbsConfiguration": {"EbsBlockDeviceConfigs": [disk | {"VolumesPerInstance": 1}]},
    }


def security_name(settings: EmrSettings) -> str:
    """The name of the cluster's security configuration."""
    return f"{settings.name}-encryption"


def security_configuration(settings: EmrSettings) -> dict[str, Any]:
    """Encryption at rest, and how a node gets its role's keys.

    Objects are encrypted by S3's keys, disks by the given key or the account's default. Version 1
    of the metadata service would give the keys to whoever makes a process send a request.
    """
    at_rest: dict[str, Any] = {"S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}}
    if settings.kms_key:
        at_rest["LocalDiskEncryptionConfiguration"] = {
            "EncryptionKeyProviderType": "AwsKms",
            "AwsKmsKey": settings.kms_key,
            "EnableEbsEncryption": True,
        }
    return {
        "EncryptionConfiguration": {
            "EnableInTransitEncryption": False,  # it needs certificates; Spark encrypts its own
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": at_rest,
        },
        "InstanceMetadataServiceConfiguration": {
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": 1,
        },
    }


def create_cluster(aws: Aws, settings: EmrSettings, package_id: str) -> str:
    """Create the cluster; returns its id.

    Raises:
        FruitsError: AWS refuses, or there is already a cluster of that name.
    """
    if found := find_cluster(aws, settings):
        raise FruitsError(
            f"The cluster {settings.name} is there already: {found['Id']} "
            f"({found['Status']['State']}).\nUse it, or end it with 'kedro emr down'."
        )
    with explained("writing the security configuration"):
        name = security_name(settings)
        with suppress(aws.emr.exceptions.InvalidRequestException):  # there is none yet
            aws.emr.delete_security_configuration(Name=name)
        text = json.dumps(security_configuration(settings))
        aws.emr.create_security_configuration(Name=name, SecurityConfiguration=text)
    with explained("creating the cluster"):
        return str(aws.emr.run_job_flow(**cluster_request(settings, package_id))["JobFlowId"])


def find_cluster(aws: Aws, settings: EmrSettings, states: Sequence[str] = ALIVE) -> Any:
    """The newest cluster in these states with this project's tag and name, or None."""
    with explained("listing the clusters"):
        pages = aws.emr.get_paginator("list_clusters").paginate(ClusterStates=states)
        named = [c for page in pages for c in page["Clusters"] if c["Name"] == settings.name]
        for entry in named:
            cluster = aws.emr.describe_cluster(ClusterId=entry["Id"])["Cluster"]
            tags = {tag["Key"]: tag["Value"] for tag in cluster.get("Tags", [])}
            if tags.get(TAG) == settings.name:
                return cluster | {"tags": tags}
    return None


def need_cluster(aws: Aws, settings: EmrSettings) -> Any:
    """The live cluster; FruitsError if there is none."""
    if found := find_cluster(aws, settings):
        return found
    raise FruitsError(
        f"There is no cluster {settings.name} in {settings.region}. Create one: kedro emr up"
    )


def find_any_cluster(aws: Aws, settings: EmrSettings) -> Any:
    """The live cluster, else the one that ended last; FruitsError if AWS knows of none."""
    ended = ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"]
    found = find_cluster(aws, settings) or find_cluster(aws, settings, ended)
    if found is None:
        raise FruitsError(f"AWS knows of no cluster {settings.name} in {settings.region}.")
    return found


def reason_of(cluster: dict[str, Any]) -> str:
    """AWS' reason for a cluster's state; may be empty."""
    change = cluster["Status"].get("StateChangeReason", {})
    return ": ".join(filter(None, (change.get("Code"), change.get("Message"))))


def wait_for(aws: Aws, cluster_id: str, states: set[str], show: Show) -> None:
    """Wait until the cluster is in one of these states.

    Raises:
        FruitsError: the cluster ended instead; says why.
    """

    def look() -> Any:
        with explained("describing the cluster"):
            return aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]

    for cluster, waited in watch(look, show):
        state = cluster["Status"]["State"]
        show(state, waited)
        if state in states:
            return
        if state.startswith("TERMINATED"):
            raise FruitsError(
                f"The cluster {cluster_id} has ended instead of becoming ready: "
                f"{reason_of(cluster) or state}.\n"
                "A failed bootstrap says in its stderr which step it was: kedro emr logs"
            )


def check_package(cluster: dict[str, Any], uploaded: str) -> None:
    """Raise FruitsError if another package was uploaded since the cluster was made."""
    runs = cluster["tags"].get(_PACKAGE)
    if runs != uploaded:
        raise FruitsError(
            f"The cluster runs the package {runs}, and {uploaded} was uploaded since: its nodes "
            "would run the old code.\nEnd it (kedro emr down), and create one (kedro emr up)."
        )


def end_cluster(aws: Aws, cluster_id: str, show: Show) -> None:
    """End one cluster, and wait until it has ended."""
    with explained("ending the cluster"):
        aws.emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=False)
        aws.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    wait_for(aws, cluster_id, {"TERMINATED", "TERMINATED_WITH_ERRORS"}, show)


def end_all_clusters(aws: Aws, settings: EmrSettings, show: Show) -> list[str]:
    """End every cluster of this name, and wait until none is left; returns their ids."""
    ended = []
    while cluster := find_cluster(aws, settings, [*ALIVE, "TERMINATING"]):
        ended.append(cluster["Id"])
        end_cluster(aws, cluster["Id"], show)
    return ended
