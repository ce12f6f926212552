"""The ``spark-submit`` command of a run on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fruits_kedro.config.spark_conf import setting_text

ROOT = "/opt/fruits-kedro"


@dataclass(frozen=True)
class RunOptions:
    """A run, as ``kedro run`` takes it.

    Attributes:
        spark: Spark's settings, with the executors' sizes.
        mode: where the driver lives: ``cluster`` (a container) or ``client`` (the primary node).
        params: as they were written.
    """

    spark: dict[str, Any]
    env: str = "emr"
    mode: str = "cluster"
    pipelines: str | None = None
    params: str | None = None

    @property
    def name(self) -> str:
        """What AWS' console shows."""
        return f"kedro run {self.pipelines or ''} {self.params or ''}".strip()[:250]

    def kedro_arguments(self, conf_source: str) -> list[str]:
        """The arguments of ``kedro run``."""
        arguments = ["--env", self.env, "--conf-source", conf_source]
        if self.pipelines:
            arguments += ["--pipelines", self.pipelines]
        if self.params:
            arguments += ["--params", self.params]
        return arguments


def node_environment(region: str) -> dict[str, str]:
    """The variables of each process: no telemetry leaves AWS, and the bucket's region is known."""
    own = {"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    return own | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def cluster_settings(spark: dict[str, Any], region: str) -> dict[str, str]:
    """Spark's settings of a run or notebook on a cluster, as text."""
    settings = {key: setting_text(value) for key, value in spark.items()}
    for name, value in node_environment(region).items():
        settings[f"spark.yarn.appMasterEnv.{name}"] = value
        settings[f"spark.executorEnv.{name}"] = value
    return dict(sorted(settings.items()))


def submit_arguments(run: RunOptions, region: str, root: str = ROOT) -> list[str]:
    """The command line of a run on a cluster.

    Args:
        region: of the bucket.
        root: where the bootstrap installed the package.
    """
    arguments = ["spark-submit", "--deploy-mode", run.mode]
    for key, value in cluster_settings(run.spark, region).items():
        arguments += ["--conf", f"{key}={value}"]
    return [*arguments, f"{root}/run.py", *run.kedro_arguments(f"{root}/conf")]
