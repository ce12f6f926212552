"""EMR on EC2: creates, finds, follows and ends the cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fruits_kedro.config.prices import PriceList
from fruits_kedro.emr.aws import Aws, Show, explained, watch
from fruits_kedro.emr.bill import cluster_bill
from fruits_kedro.emr.logs import read_cluster_logs
from fruits_kedro.emr.request import cluster_request, security_configuration, security_name
from fruits_kedro.emr.service import PACKAGE_TAG, TAG, USER_TAG, Place, RunState
from fruits_kedro.emr.settings import ClusterSettings
from fruits_kedro.emr.submit import RunOptions, submit_arguments
from fruits_kedro.emr.upload import Uploaded
from fruits_kedro.errors import FruitsError

_ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
_READY = ("RUNNING", "WAITING")
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_STEP_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"}


class ClusterService:
    """Clusters of one name: creates them, submits and follows runs, ends them.

    :class:`fruits_kedro.emr.serverless.ServerlessService` has the same methods.
    """

    kind = "cluster"

    def __init__(self, aws: Aws, settings: ClusterSettings, types: PriceList) -> None:
        self._aws = aws
        self._settings = settings
        self._types = types

    def create(self, package: Uploaded, user: str) -> str:
        """Create the cluster; returns its id."""
        self._write_security_configuration()
        request = cluster_request(self._settings, package, user)
        with explained("creating the cluster"):
            return str(self._aws.emr.run_job_flow(**request)["JobFlowId"])

    def _write_security_configuration(self) -> None:
        emr, name = self._aws.emr, security_name(self._settings)
        encryption = self._aws.encryption(self._settings.bucket)
        wanted = security_configuration(self._settings, encryption)
        with explained("writing the security configuration"):
            try:
                found = emr.describe_security_configuration(Name=name)["SecurityConfiguration"]
            except emr.exceptions.InvalidRequestException:  # there is none yet
                found = "{}"
            if json.loads(found) == wanted:
                return
            if found != "{}":
                emr.delete_security_configuration(Name=name)
            emr.create_security_configuration(Name=name, SecurityConfiguration=json.dumps(wanted))

    def wait_until_ready(self, place_id: str, show: Show) -> None:
        """Wait until the cluster takes steps."""
        self._wait(place_id, _READY, show)

    def _wait(self, cluster_id: str, states: Sequence[str], show: Show) -> None:
        for cluster, waited in watch(lambda: self._describe(cluster_id), show):
            state = cluster["Status"]["State"]
            show(state, waited)
            if state in states:
                return
            if state in _ENDED:
                raise FruitsError(
                    f"The cluster {cluster_id} has ended instead of becoming ready: "
                    f"{_reason(cluster) or state}.\n"
                    "A failed bootstrap says in its stderr which step it was: kedro emr logs"
                )

    def _describe(self, cluster_id: str) -> Any:
        with explained("describing the cluster"):
            return self._aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]

    def places(self, ended: bool = False) -> list[Place]:
        """The clusters of this name and this project's tag that live, or that have ended."""
        states = _ENDED if ended else _ALIVE
        with explained("listing the clusters"):
            pages = self._aws.emr.get_paginator("list_clusters").paginate(ClusterStates=states)
            named = [
                one for p in pages for one in p["Clusters"] if one["Name"] == self._settings.name
            ]
        found = []
        for entry in sorted(named, key=_created, reverse=True):
            cluster = self._describe(entry["Id"])
            tags = {tag["Key"]: tag["Value"] for tag in cluster.get("Tags", [])}
            if tags.get(TAG) == self._settings.name:
                state, user = cluster["Status"]["State"], tags.get(USER_TAG, "")
                package = tags.get(PACKAGE_TAG)
                found.append(Place(entry["Id"], state, _created(cluster), user, package))
        return found

    def submit(self, place_id: str, run: RunOptions, package: Uploaded) -> str:
        """Submit a step; returns its id. The cluster survives a failed one."""
        arguments = submit_arguments(run, self._settings.region)
        jar = {"Jar": "command-runner.jar", "Args": arguments}
        step = {"Name": run.name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar}
        with explained("submitting the step"):
            done = self._aws.emr.add_job_flow_steps(JobFlowId=place_id, Steps=[step])
        return str(done["StepIds"][0])

    def reusable(self) -> Place | None:
        """One that serves all runs; None: each run has a cluster of its own."""
        return None

    def cancel(self, place_id: str, run_id: str) -> None:
        """End a step."""
        with explained("ending the step"):
            self._aws.emr.cancel_steps(
                ClusterId=place_id,
                StepIds=[run_id],
                StepCancellationOption="TERMINATE_PROCESS",
            )

    def needs_package(self) -> str:
        """A cluster that installs the package on each new node, in words; empty if none lives."""
        return next((f"the cluster {place}" for place in self.places()), "")

    def last_run(self, place_id: str) -> str:
        """The id of the newest step."""
        with explained("listing the steps"):
            steps = self._aws.emr.list_steps(ClusterId=place_id)["Steps"]
        if not steps:
            raise FruitsError(f"Nothing was submitted to {place_id} yet: kedro emr submit")
        return str(steps[0]["Id"])

    def look(self, place_id: str, run_id: str) -> RunState:
        """The state of a step; it is over, too, where the cluster has gone."""
        with explained("describing the step"):
            step = self._aws.emr.describe_step(ClusterId=place_id, StepId=run_id)["Step"]
        state, cluster = step["Status"]["State"], self._describe(place_id)
        if state not in _STEP_ENDED and cluster["Status"]["State"].startswith("TERMINAT"):
            reason = f"The cluster {place_id} has gone: {_reason(cluster)}"
            return RunState(state, is_over=True, reason=reason)
        details = step["Status"].get("FailureDetails", {})
        return RunState(
            name=state,
            is_running=state == "RUNNING",
            is_over=state in _STEP_ENDED,
            is_good=state == "COMPLETED",
            reason=": ".join(filter(None, (details.get("Reason"), details.get("Message")))),
        )

    def logs(self, place_id: str, run_id: str | None) -> dict[str, str]:
        """The logs of a step, of its containers, and of the bootstrap."""
        return read_cluster_logs(self._aws, f"{self._settings.log_root}/{place_id}", run_id)

    def bill(self, place_id: str, run_id: str | None = None) -> dict[str, Any]:
        """Hours of each node times its price: a run alone has none."""
        return cluster_bill(self._aws, self._settings, self._types, place_id)

    def end(self, place_id: str, show: Show) -> None:
        """End one cluster, and wait until it has ended."""
        with explained("ending the cluster"):
            self._aws.emr.set_termination_protection(
                JobFlowIds=[place_id], TerminationProtected=False
            )
            self._aws.emr.terminate_job_flows(JobFlowIds=[place_id])
        self._wait(place_id, _ENDED, show)


def _created(cluster: dict[str, Any]) -> Any:
    return cluster["Status"]["Timeline"]["CreationDateTime"]


def _reason(cluster: dict[str, Any]) -> str:
    change = cluster["Status"].get("StateChangeReason", {})
    return ": ".join(filter(None, (change.get("Code"), change.get("Message"))))
