"""What the commands of ``kedro emr`` work with: settings, prices, roots, clients."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession

from fruits_kedro.commands.params import parse_params
from fruits_kedro.config.locations import Locations
from fruits_kedro.config.prices import Prices
from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.checks import architecture
from fruits_kedro.emr.package import Package, build_package
from fruits_kedro.emr.settings import EmrSettings
from fruits_kedro.emr.sizing import Sizing, size_executors
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.cache import cache_folder
from fruits_kedro.validation import validate

_FILES = ("emr", "prices", "spark")


@dataclass(frozen=True)
class EmrContext:
    """The configuration of one environment.

    Attributes:
        project: the checkout.
        params: of ``--params``, as they were written.
        roots: of photos and results.
        spark: the environment's Spark settings.
    """

    project: Path
    env: str
    params: str
    settings: EmrSettings
    prices: Prices
    roots: Locations
    spark: dict[str, Any]

    @classmethod
    def load(cls, env: str, params: str = "") -> EmrContext:
        """The configuration in ``conf/<env>``; FruitsError if a file is missing or wrong."""
        project = Path.cwd()
        with KedroSession.create(project, env=env, runtime_params=parse_params(params)) as session:
            context = session.load_context()  # type: ignore[attr-defined]
            found = {name: dict(context.config_loader[name]) for name in _FILES}
            roots = Locations.of(context)
        return cls(
            project=project,
            env=env,
            params=params,
            settings=validate(EmrSettings, found["emr"], f"conf/{env}/emr.yml"),
            prices=validate(Prices, found["prices"], "conf/base/prices.yml"),
            roots=roots,
            spark=found["spark"],
        )

    @functools.cached_property
    def aws(self) -> Aws:
        """The clients of the settings' region."""
        return Aws(self.settings.region)

    @functools.cached_property
    def sizing(self) -> Sizing:
        """The executors that fit on the nodes."""
        return size_executors(self.settings, self.prices, _megabytes(self.spark))

    @functools.cached_property
    def package(self) -> Package:
        """The package of this checkout, built in the cache folder."""
        arch, python = architecture(self.settings, self.prices), self.settings.python
        folder = cache_folder() / "emr" / f"{arch}-{python}"
        return build_package(self.project, folder, python, arch, self.settings.weights)


def _megabytes(spark: dict[str, Any]) -> int:
    text = str(spark.get("spark.driver.memory", "1g")).lower()
    found = re.fullmatch(r"(\d+)([mg])b?", text)
    if found is None:
        raise FruitsError(f"spark.driver.memory={text}: write it as 4g or 4096m.")
    return int(found[1]) * (1024 if found[2] == "g" else 1)
