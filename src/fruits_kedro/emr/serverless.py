"""EMR Serverless: creates, finds, follows and ends the application."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from fruits_kedro.config.prices import PriceList
from fruits_kedro.config.spark_conf import setting_text
from fruits_kedro.emr.aws import Aws, Show, explained, watch
from fruits_kedro.emr.bill import serverless_bill
from fruits_kedro.emr.environment import ARCHIVE
from fruits_kedro.emr.logs import read_logs
from fruits_kedro.emr.service import TAG, USER_TAG, Place, RunState
from fruits_kedro.emr.settings import ServerlessSettings
from fruits_kedro.emr.sizing import worker_gb
from fruits_kedro.emr.submit import RunOptions, node_environment
from fruits_kedro.emr.upload import Uploaded
from fruits_kedro.errors import FruitsError

ARCHITECTURES = {"x86_64": "X86_64", "aarch64": "ARM64"}
_READY = {"CREATED", "STARTING", "STARTED", "STOPPED"}
_ALIVE = ("CREATING", "CREATED", "STARTING", "STARTED", "STOPPING", "STOPPED")
_RUN_ENDED = {"SUCCESS", "FAILED", "CANCELLED"}
_ACTIVE = ("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED", "RUNNING", "CANCELLING")
_FOLDER = "environment"  # where a process finds the unpacked archive, in its working folder
_ODD = re.compile(r"[\s'\"\\]")
_DISK_GB = 20  # of a worker: the free share


class ServerlessService:
    """Applications of one name; see :class:`fruits_kedro.emr.cluster.ClusterService`."""

    kind = "application"

    def __init__(self, aws: Aws, settings: ServerlessSettings, types: PriceList) -> None:
        self._aws = aws
        self._settings = settings
        self._types = types

    def create(self, package: Uploaded, user: str) -> str:
        """Create the application; returns its id. It costs nothing while no run is on it."""
        request = application_request(self._settings, user)
        with explained("creating the application"):
            return str(self._aws.serverless.create_application(**request)["applicationId"])

    def wait_until_ready(self, place_id: str, show: Show) -> None:
        """Wait until the application takes runs: it starts by itself with the first."""
        for application, waited in watch(lambda: self._describe(place_id), show):
            state = application["state"]
            show(state, waited)
            if state in _READY:
                return
            if state == "TERMINATED":
                reason = application.get("stateDetails", "")
                raise FruitsError(f"The application {place_id} has ended: {reason or state}.")

    def _describe(self, application_id: str) -> Any:
        with explained("describing the application"):
            client = self._aws.serverless
            return client.get_application(applicationId=application_id)["application"]

    def places(self, ended: bool = False) -> list[Place]:
        """The applications of this name and this project's tag that live, or that have ended."""
        states = ["TERMINATED"] if ended else list(_ALIVE)
        with explained("listing the applications"):
            paginator = self._aws.serverless.get_paginator("list_applications")
            pages = paginator.paginate(states=states)
            named = [
                one
                for p in pages
                for one in p["applications"]
                if one.get("name") == self._settings.name
            ]
        found = []
        for entry in sorted(named, key=lambda one: one["createdAt"], reverse=True):
            tags = self._describe(entry["id"]).get("tags", {})
            if tags.get(TAG) == self._settings.name:
                user = tags.get(USER_TAG, "")
                found.append(Place(entry["id"], entry["state"], entry["createdAt"], user))
        return found

    def submit(self, place_id: str, run: RunOptions, package: Uploaded) -> str:
        """Start a job run; returns its id."""
        request = job_request(self._settings, run, package)
        with explained("starting the job run"):
            done = self._aws.serverless.start_job_run(applicationId=place_id, **request)
        return str(done["jobRunId"])

    def reusable(self) -> Place | None:
        """The newest application of this name, if there is one."""
        return next(iter(self.places()), None)

    def cancel(self, place_id: str, run_id: str) -> None:
        """End a job run."""
        with explained("ending the job run"):
            self._aws.serverless.cancel_job_run(applicationId=place_id, jobRunId=run_id)

    def needs_package(self) -> str:
        """A run that reads the package, in words; empty if none does."""
        for place in self.places():
            for run in self._runs(place.id, _ACTIVE):
                return f"the run {run['id']} on {place.id}"
        return ""

    def last_run(self, place_id: str) -> str:
        """The id of the newest job run."""
        if runs := self._runs(place_id):
            return str(max(runs, key=lambda one: one["createdAt"])["id"])
        raise FruitsError(f"Nothing was submitted to {place_id} yet: kedro emr submit")

    def _runs(self, application_id: str, states: Sequence[str] = ()) -> list[Any]:
        client = self._aws.serverless
        given = {"states": list(states)} if states else {}
        with explained("listing the job runs"):
            try:
                pages = client.get_paginator("list_job_runs").paginate(
                    applicationId=application_id, **given
                )
                return [one for page in pages for one in page["jobRuns"]]
            except client.exceptions.ResourceNotFoundException:  # the application is gone
                return []

    def look(self, place_id: str, run_id: str) -> RunState:
        """The state of a job run."""
        found = self._job(place_id, run_id)
        return RunState(
            name=found["state"],
            is_running=found["state"] == "RUNNING",
            is_over=found["state"] in _RUN_ENDED,
            is_good=found["state"] == "SUCCESS",
            reason=found.get("stateDetails") or "",
        )

    def _job(self, application_id: str, run_id: str) -> Any:
        with explained("describing the job run"):
            return self._aws.serverless.get_job_run(applicationId=application_id, jobRunId=run_id)[
                "jobRun"
            ]

    def logs(self, place_id: str, run_id: str | None) -> dict[str, str]:
        """The logs of a run's driver and executors."""
        root = f"{self._settings.log_root}/applications/{place_id}"
        return read_logs(self._aws, f"{root}/jobs/{run_id}/") if run_id else {}

    def bill(self, place_id: str, run_id: str | None = None) -> dict[str, Any]:
        """What AWS bills for a run, or for all."""
        ids = [run_id] if run_id else [str(one["id"]) for one in self._runs(place_id)]
        runs = [self._job(place_id, one) for one in ids]
        return {"application": place_id} | serverless_bill(runs, self._settings, self._types)

    def end(self, place_id: str, show: Show) -> None:
        """Cancel its runs, stop and delete the application, and wait until it has ended."""
        client = self._aws.serverless
        for run in self._runs(place_id, _ACTIVE):
            with explained(f"cancelling {run['id']}"):
                client.cancel_job_run(applicationId=place_id, jobRunId=run["id"])
        for application, waited in watch(lambda: self._describe(place_id), show):
            state = application["state"]
            show(state, waited)
            if state == "TERMINATED":
                return
            with explained("ending the application"):
                if state in ("CREATED", "STOPPED"):
                    client.delete_application(applicationId=place_id)
                elif state == "STARTED" and not self._runs(place_id, _ACTIVE):
                    client.stop_application(applicationId=place_id)


def application_request(settings: ServerlessSettings, user: str) -> dict[str, Any]:
    """The complete arguments of ``create_application``."""
    workers = (settings.max_vcpu - settings.driver_vcpu) // settings.executor.cores
    capacity = {
        "cpu": f"{settings.max_vcpu} vCPU",
        "memory": f"{workers * worker_gb(settings) + settings.driver_gb} GB",
        "disk": f"{(workers + 1) * _DISK_GB} GB",
    }
    return {
        "name": settings.name,
        "releaseLabel": settings.release,
        "type": "SPARK",
        "architecture": ARCHITECTURES[settings.arch],
        "clientToken": str(uuid.uuid4()),
        "maximumCapacity": capacity,
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": settings.idle_minutes},
        "tags": settings.tags | {TAG: settings.name, USER_TAG: user},
    }


def job_request(settings: ServerlessSettings, run: RunOptions, package: Uploaded) -> dict[str, Any]:
    """The arguments of ``start_job_run`` but the application's id."""
    driver = {
        "sparkSubmit": {
            "entryPoint": f"{package.url}/run.py",
            "entryPointArguments": run.kedro_arguments(f"{_FOLDER}/conf"),
            "sparkSubmitParameters": submit_parameters(run.spark, settings.region, package.url),
        }
    }
    logs = {"s3MonitoringConfiguration": {"logUri": f"{settings.log_root}/"}}
    return {
        "clientToken": str(uuid.uuid4()),
        "name": run.name,
        "executionRoleArn": settings.job_role,
        "jobDriver": driver,
        "configurationOverrides": {"monitoringConfiguration": logs},
        "executionTimeoutMinutes": settings.timeout_minutes,
        "tags": settings.tags,
    }


def submit_parameters(spark: dict[str, Any], region: str, package_url: str) -> str:
    """The options of ``spark-submit``; each process gets the environment's Python."""
    python = f"./{_FOLDER}/bin/python"
    settings = {key: setting_text(value) for key, value in spark.items()}
    settings["spark.archives"] = f"{package_url}/{ARCHIVE}#{_FOLDER}"
    variables = node_environment(region) | {"PYSPARK_PYTHON": python}
    for name, value in variables.items():
        settings[f"spark.emr-serverless.driverEnv.{name}"] = value
        settings[f"spark.executorEnv.{name}"] = value
    settings["spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON"] = python
    if odd := sorted(name for name, value in settings.items() if _ODD.search(value)):
        raise FruitsError(
            f"{', '.join(odd)}: EMR Serverless splits its parameters at spaces; a value cannot "
            "have a space or a quote."
        )
    return " ".join(f"--conf {name}={value}" for name, value in sorted(settings.items()))
