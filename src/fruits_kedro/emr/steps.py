"""Runs on the cluster: the ``spark-submit`` command, the step, and its progress."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fruits_kedro.config.locations import PROGRESS
from fruits_kedro.config.spark_conf import setting_text
from fruits_kedro.emr.aws import Aws, Show, explained, watch
from fruits_kedro.emr.cluster import reason_of
from fruits_kedro.errors import FruitsError

ROOT = "/opt/fruits-kedro"
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"}
# No telemetry leaves the cluster.
_ENVIRONMENT = {"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}


def submit_arguments(
    spark: dict[str, Any],
    env: str = "emr",
    mode: str = "cluster",
    pipelines: str | None = None,
    params: str | None = None,
    root: str = ROOT,
    region: str | None = None,
) -> list[str]:
    """The command line of a run on the cluster.

    Args:
        spark: Spark's settings, with the executors' sizes.
        mode: where the driver lives: ``cluster`` (a container) or ``client`` (the primary node).
        pipelines: as for ``kedro run``.
        params: as for ``kedro run``.
        root: where the bootstrap installed the package.
        region: of the bucket: a node's processes do not know it.
    """
    settings = {key: setting_text(value) for key, value in spark.items()}
    environment = _ENVIRONMENT | ({"AWS_REGION": region} if region else {})
    settings |= {f"spark.yarn.appMasterEnv.{k}": v for k, v in environment.items()}
    settings |= {f"spark.executorEnv.{k}": v for k, v in environment.items()}
    arguments = ["spark-submit", "--deploy-mode", mode]
    for key, value in sorted(settings.items()):
        arguments += ["--conf", f"{key}={value}"]
    arguments += [f"{root}/run.py", "--env", env, "--conf-source", f"{root}/conf"]
    if pipelines:
        arguments += ["--pipelines", pipelines]
    if params:
        arguments += ["--params", params]
    return arguments


def add_step(aws: Aws, cluster_id: str, name: str, arguments: list[str]) -> str:
    """Submit a step; returns its id. The cluster survives a failed step."""
    jar = {"Jar": "command-runner.jar", "Args": arguments}
    step = {"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar}
    with explained("submitting the step"):
        return str(aws.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step])["StepIds"][0])


def latest_step(aws: Aws, cluster_id: str) -> Any:
    """The newest step of a cluster; FruitsError if there is none."""
    with explained("listing the steps"):
        steps = aws.emr.list_steps(ClusterId=cluster_id)["Steps"]
    if not steps:
        raise FruitsError(f"Nothing was submitted to {cluster_id} yet: kedro emr submit")
    return steps[0]


def read_progress(aws: Aws, store: str, since: datetime) -> dict[str, Any] | None:
    """The progress a run last wrote: ``what, done, total, images_per_s, written_at``.

    None outside a bucket, without progress, or if it was written before ``since``.
    """
    if not store.startswith("s3"):
        return None
    content = aws.download(f"{store}/{PROGRESS}")
    if content is None:
        return None
    found: dict[str, Any] = json.loads(content)
    return found if datetime.fromisoformat(found["written_at"]) >= since else None


def watch_step(aws: Aws, cluster_id: str, step_id: str, store: str, show: Show) -> Any:
    """The step, once it has completed; ``store`` is where the run writes its progress.

    Raises:
        FruitsError: the step failed or the cluster ended; says what AWS knows.
    """
    started = datetime.now(UTC)

    def look() -> tuple[Any, Any, dict[str, Any] | None]:
        with explained("describing the step"):
            step = aws.emr.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]
            cluster = aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        is_running = step["Status"]["State"] == "RUNNING"
        return step, cluster, read_progress(aws, store, started) if is_running else None

    for (step, cluster, progress), waited in watch(look, show):
        state = step["Status"]["State"]
        show(state, waited, progress)
        if state == "COMPLETED":
            return step
        if state in ENDED:
            raise FruitsError(f"The step {step_id} has ended: {state}. {_failure(step)}")
        if cluster["Status"]["State"].startswith("TERMINAT"):
            raise FruitsError(
                f"The cluster {cluster_id} has gone while the step was {state}: "
                f"{reason_of(cluster)}\nWhat lies in the store is complete or absent, never half."
            )


def _failure(step: dict[str, Any]) -> str:
    details = step["Status"].get("FailureDetails", {})
    said = ": ".join(filter(None, (details.get("Reason"), details.get("Message"))))
    return f"{said}\nThe Python traceback: kedro emr logs".strip()
