"""Notebooks on a cluster: the cell that configures Spark, and the way to JupyterHub."""

from __future__ import annotations

import json

from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.settings import ClusterSettings
from fruits_kedro.emr.submit import RunOptions, cluster_settings

_PORT = 9443  # of JupyterHub, on the primary node


def configure_cell(run: RunOptions, settings: ClusterSettings) -> str:
    """The cell ``%%configure`` of sparkmagic: the session gets the settings of a run.

    Livy sets the master itself, and may refuse to be told.
    """
    spark = cluster_settings(run.spark, settings.region)
    spark.pop("spark.master", None)
    return "%%configure -f\n" + json.dumps({"conf": spark}, indent=1)


def reach_jupyterhub(aws: Aws, cluster_id: str, settings: ClusterSettings) -> list[str]:
    """How to reach JupyterHub, whose port is open to nobody, and what to do there first."""
    with explained("looking for the primary node"):
        nodes = aws.emr.list_instances(ClusterId=cluster_id, InstanceGroupTypes=["MASTER"])
    instance = nodes["Instances"][0]["Ec2InstanceId"]
    ports = json.dumps({"portNumber": [f"{_PORT}"], "localPortNumber": [f"{_PORT}"]})
    return [
        f"aws ssm start-session --region {settings.region} --target {instance} "
        f"--document-name AWS-StartPortForwardingSession --parameters '{ports}'",
        f"https://localhost:{_PORT}, with the default login jovyan and password jupyter",
        "Change that password first: who logs in has the rights of the node.",
        f"Notebooks are kept in s3://{settings.bucket}/jupyter/.",
    ]
