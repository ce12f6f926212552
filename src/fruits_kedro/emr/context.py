"""What the commands of ``kedro emr`` work with: settings, prices, roots, clients, the service."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession

from fruits_kedro.backbones.find import BackboneSettings
from fruits_kedro.commands.params import parse_params
from fruits_kedro.config.locations import Locations
from fruits_kedro.config.prices import PriceList
from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.cluster import ClusterService
from fruits_kedro.emr.costs import Estimate, estimate
from fruits_kedro.emr.environment import build_environment
from fruits_kedro.emr.package import Package, build_package
from fruits_kedro.emr.serverless import ServerlessService
from fruits_kedro.emr.settings import ClusterSettings, ServerlessSettings, Settings
from fruits_kedro.emr.sizing import Sizing, size_executors, size_workers
from fruits_kedro.emr.submit import RunOptions
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.source import PACKED_SUFFIX
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.validation import validate

ENVIRONMENTS = {"cluster": "emr", "serverless": "serverless"}
Service = ClusterService | ServerlessService
_MODELS: dict[str, Any] = {"cluster": ClusterSettings, "serverless": ServerlessSettings}


@dataclass(frozen=True)
class EmrContext:
    """The configuration of one environment.

    Attributes:
        project: the checkout.
        params: of ``--params``, as they were written.
        types: instance types and prices.
        roots: of photos and results.
        spark: the environment's Spark settings.
    """

    project: Path
    env: str
    params: str
    settings: Settings
    types: PriceList
    roots: Locations
    spark: dict[str, Any]

    @classmethod
    def load(cls, env: str | None = None, params: str = "", on: str = "cluster") -> EmrContext:
        """The configuration in ``conf/<env>``; FruitsError if a file is missing or wrong.

        Args:
            on: ``cluster`` or ``serverless``; each has an environment that is its own.
        """
        project, env = Path.cwd(), env or ENVIRONMENTS[on]
        with KedroSession.create(project, env=env, runtime_params=parse_params(params)) as session:
            context = session.load_context()  # type: ignore[attr-defined]
            config = context.config_loader
            found = {name: dict(config[name]) for name in ("emr", "instances", "prices", "spark")}
            roots = Locations.of(context)
        types = {"instances": found["instances"], **found["prices"]}
        return cls(
            project=project,
            env=env,
            params=params,
            settings=validate(_MODELS[on], found["emr"], f"conf/{env}/emr.yml"),
            types=validate(PriceList, types, "conf/base/instances.yml and prices.yml"),
            roots=roots,
            spark={name: value for name, value in found["spark"].items() if value is not None},
        )

    @functools.cached_property
    def aws(self) -> Aws:
        """The clients of the settings' region."""
        return Aws(self.settings.region)

    @functools.cached_property
    def service(self) -> Service:
        """Where runs happen."""
        if isinstance(self.settings, ServerlessSettings):
            return ServerlessService(self.aws, self.settings, self.types)
        return ClusterService(self.aws, self.cluster, self.types)

    @property
    def cluster(self) -> ClusterSettings:
        """The settings of a cluster; FruitsError if these are EMR Serverless'."""
        if not isinstance(self.settings, ClusterSettings):
            raise FruitsError("This is for clusters only: leave out --on serverless.")
        return self.settings

    @functools.cached_property
    def sizing(self) -> Sizing:
        """The executors that fit on the nodes, or the workers."""
        if isinstance(self.settings, ServerlessSettings):
            return size_workers(self.settings)
        return size_executors(self.cluster, self.types, _megabytes(self.spark))

    def estimate(self, images: int) -> Estimate:
        """Duration and cost of a run over so many photos."""
        packed = self.roots.images.endswith(PACKED_SUFFIX)
        return estimate(images, packed, self.sizing, self.settings, self.types)

    def run_options(self, mode: str = "cluster", pipelines: str | None = None) -> RunOptions:
        """A run of this environment, with its sizes."""
        spark = self.spark | self.sizing.spark_settings
        return RunOptions(spark, self.env, mode, pipelines, self.params)

    @functools.cached_property
    def package(self) -> Package:
        """The package of this checkout, built in the cache folder."""
        settings = self.settings
        arch = self.architecture()
        folder = cache_folder() / "emr" / f"{arch}-{settings.python}"
        asked = BackboneSettings(settings.backbone, settings.weights)
        built = build_package(self.project, folder, settings.python, arch, asked)
        if isinstance(settings, ServerlessSettings):
            return build_environment(built, settings.python, arch)
        return built

    def architecture(self) -> str:
        """Of the nodes or workers, ``x86_64`` or ``aarch64``; FruitsError if nodes differ."""
        if isinstance(self.settings, ServerlessSettings):
            return self.settings.arch
        groups = self.cluster.groups.values()
        kinds = {self.types.instance(group.type).arch for group in groups}
        if len(kinds) > 1:
            raise FruitsError(
                "The nodes' processors differ (x86_64 and aarch64): one package serves one of "
                "them. Choose types of one kind in conf/emr/emr.yml."
            )
        return str(kinds.pop())


def _megabytes(spark: dict[str, Any]) -> int:
    text = str(spark.get("spark.driver.memory", "1g")).lower()
    found = re.fullmatch(r"(\d+)([mg])b?", text)
    if found is None:
        raise FruitsError(f"spark.driver.memory={text}: write it as 4g or 4096m.")
    return int(found[1]) * (1024 if found[2] == "g" else 1)
