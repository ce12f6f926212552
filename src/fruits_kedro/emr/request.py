"""What ``kedro emr up`` asks EMR for: the cluster, and its security configuration."""

from __future__ import annotations

from typing import Any

from fruits_kedro.emr.aws import Encryption
from fruits_kedro.emr.service import PACKAGE_TAG, TAG, USER_TAG
from fruits_kedro.emr.settings import ClusterSettings, Group
from fruits_kedro.emr.upload import Uploaded

# EMR's managed service policy grants rights only on resources with this tag.
MANAGED = "for-use-with-amazon-emr-managed-policies"
ROOT_DISK_GIB = 30  # of the system and the package, on each node
_APPLICATIONS = ("Spark", "Hadoop")
_NOTEBOOKS = ("JupyterHub", "JupyterEnterpriseGateway", "Livy")
# The driver is in a container that YARN starts: never on a Spot node, whose loss would end the run.
_DRIVER_ON_DEMAND = {
    "yarn.node-labels.enabled": "true",
    "yarn.node-labels.am.default-node-label-expression": "ON_DEMAND",
}


def cluster_request(settings: ClusterSettings, package: Uploaded, user: str) -> dict[str, Any]:
    """The complete arguments of ``run_job_flow``."""
    instances: dict[str, Any] = {
        "InstanceGroups": [_group(name, g, settings) for name, g in settings.groups.items()],
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
    }
    if settings.subnet:
        instances["Ec2SubnetId"] = settings.subnet
    if groups := settings.security_groups:
        instances["EmrManagedMasterSecurityGroup"] = groups.primary
        instances["EmrManagedSlaveSecurityGroup"] = groups.core
        if groups.service_access:
            instances["ServiceAccessSecurityGroup"] = groups.service_access
    if settings.key_pair:
        instances["Ec2KeyName"] = settings.key_pair
    bootstrap = {
        "Path": f"{package.url}/bootstrap.sh",
        "Args": [package.url, settings.python, settings.region, package.sums],
    }
    own = {TAG: settings.name, PACKAGE_TAG: package.id, USER_TAG: user, MANAGED: "true"}
    tags = settings.tags | own
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
        "EbsRootVolumeSize": ROOT_DISK_GIB,
        "VisibleToAllUsers": True,
        "AutoTerminationPolicy": {"IdleTimeout": settings.idle_minutes * 60},
        "StepConcurrencyLevel": 1,
        "BootstrapActions": [{"Name": "fruits-kedro", "ScriptBootstrapAction": bootstrap}],
        "Configurations": _configurations(settings),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }


def _configurations(settings: ClusterSettings) -> list[dict[str, Any]]:
    found = []
    if settings.task.count:
        found.append({"Classification": "yarn-site", "Properties": _DRIVER_ON_DEMAND})
    if settings.notebooks:  # else they go with the cluster
        kept = {"s3.persistence.enabled": "true", "s3.persistence.bucket": settings.bucket}
        found.append({"Classification": "jupyter-s3-conf", "Properties": kept})
    return found


def _group(name: str, group: Group, settings: ClusterSettings) -> dict[str, Any]:
    disk = {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": settings.volume_gib}}
    return {
        "Name": name,
        "InstanceRole": "MASTER" if name == "primary" else name.upper(),
        "Market": "SPOT" if name == "task" else "ON_DEMAND",
        "InstanceType": group.type,
        "InstanceCount": group.count,
        "EbsConfiguration": {"EbsBlockDeviceConfigs": [disk | {"VolumesPerInstance": 1}]},
    }


def security_name(settings: ClusterSettings) -> str:
    """The name of the cluster's security configuration."""
    return f"{settings.name}-encryption"


def security_configuration(settings: ClusterSettings, bucket: Encryption) -> dict[str, Any]:
    """Encryption at rest, and how a node gets its role's keys.

    Version 1 of the metadata service would give the keys to whoever makes a process send a request.
    A notebook's container is one hop further from it than a process of the node.

    Args:
        bucket: how it encrypts.
    """
    objects = {"EncryptionMode": "SSE-S3"}
    if bucket.is_by_kms and bucket.key:
        objects = {"EncryptionMode": "SSE-KMS", "AwsKmsKey": bucket.key}
    at_rest: dict[str, Any] = {"S3EncryptionConfiguration": objects}
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
            "HttpPutResponseHopLimit": 2 if settings.notebooks else 1,
        },
    }
