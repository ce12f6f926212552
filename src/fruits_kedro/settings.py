"""Project settings: https://docs.kedro.org/en/stable/kedro_project_setup/settings/."""

import warnings

from fruits_kedro.config.template import conf_source, default_environment, in_project
from fruits_kedro.hooks.inputs import InputHooks
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.hooks.mlflow import MlflowHooks
from fruits_kedro.hooks.outputs import OutputHooks
from fruits_kedro.hooks.progress import ProgressHooks
from fruits_kedro.hooks.report import ReportHooks
from fruits_kedro.hooks.spark import SparkHooks
from fruits_kedro.hooks.store import StoreHooks
from fruits_kedro.spark.versions import s3_packages
from fruits_kedro.storage.cache import ensure_home

ensure_home()

# Kedro 1.7 calls it four times at every start; OmegaConf 2.4 renamed it.
warnings.filterwarnings("ignore", message=r"\s*register_new_resolver\(\) is deprecated")
# Kedro-Viz 12.5 imports it.
warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")

locations = LocationHooks()
lineage = LineageHooks()
outputs = OutputHooks(lineage)
HOOKS = (
    locations,
    InputHooks(locations),
    SparkHooks(locations),
    StoreHooks(locations),
    outputs,
    lineage,
    ReportHooks(locations, lineage, outputs),
    ProgressHooks(locations),
    MlflowHooks(locations),
)

CONF_SOURCE = conf_source()
DISABLE_HOOKS_FOR_PLUGINS = () if in_project() else ("kedro-viz",)  # it keeps figures in a project
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": default_environment(),
    "config_patterns": {
        "spark": ["spark*", "spark*/**"],
        "s3a": ["s3a*"],
        "emr": ["emr*"],
        "instances": ["instances*"],
        "prices": ["prices*"],
        "mlflow": ["mlflow*"],
    },
    "custom_resolvers": {"s3_packages": s3_packages},
    "merge_strategy": {
        "parameters": "soft",
        "globals": "soft",
        "catalog": "soft",
        "spark": "soft",
        "s3a": "soft",
    },
}
