"""Spark's configuration, and its start."""

from __future__ import annotations

import logging
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from fruits_kedro.errors import FruitsError
from fruits_kedro.hooks.locations import UsesLocations
from fruits_kedro.spark.logs import log_hint
from fruits_kedro.storage.s3 import end_of_login, is_s3

logger = logging.getLogger(__name__)

_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


class SparkHooks(UsesLocations):
    """Configures Spark with the environment's ``spark.yml``, for runs and notebooks."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Prepare the settings for the first use of Spark."""
        from fruits_kedro.spark.session import prepare_session
        from fruits_kedro.spark.versions import spark_major

        config, store = context.config_loader, self._locations.roots.store
        # An environment says null of what its cluster sets.
        settings = {k: v for k, v in config["spark"].items() if v is not None}
        keys = None
        # None is EMR Serverless: it has an S3 client of its own, as a cluster of EMR has.
        if is_s3(store) and settings.get("spark.master", "yarn") != "yarn":
            settings = {**config["s3a"], **self._locations.s3.spark_settings(), **settings}
            keys = self._locations.s3.jvm_environment()
        if spark_major() == 4:  # it multiplies matrices by instructions that need this compiler
            settings = with_full_compiler(settings)
        self._settings = settings
        self._has_keys = keys is not None
        prepare_session(settings, keys)

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start Spark after all other checks."""
        from fruits_kedro.spark.session import start_session, start_workers

        if self._has_keys and (end := end_of_login()):
            logger.warning(
                "This login ends at %s, and Spark's S3 client cannot renew it: a run that takes "
                "longer stops then. The same command goes on from what is done.",
                end.astimezone().strftime("%H:%M on %Y-%m-%d"),
            )
        settings = self._settings
        if _spark_fits(pipeline, catalog):
            settings = with_full_compiler(settings)
        spark = start_session(settings)
        if "extraction.extract_features" in {node.name for node in pipeline.nodes}:
            start_workers(spark)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise FruitsError if Spark's JVM has ended."""
        from fruits_kedro.spark.session import jvm_exit_status

        status = jvm_exit_status()
        if status is None:
            return
        raise FruitsError(
            f"Spark's JVM ended in the middle of the run (exit status {status}; -9: killed, as the "
            "system does when memory runs out).\nRun the same command again: it goes on from what "
            "is done. If it ends again, close other programs; where Spark works on this machine "
            "alone, give it fewer cores: spark.master: local[1,4] in conf/local/spark.yml."
            f"{log_hint()}"
        ) from error


def _spark_fits(pipeline: Pipeline, catalog: DataCatalog) -> bool:
    """Whether Spark may fit classifiers, since the photos are many or not yet counted."""
    if not pipeline.only_nodes_with_tags("classification").nodes:
        return False
    if "extraction_counts" in pipeline.all_outputs() or not catalog.exists("extraction_counts"):
        return True
    from fruits_kedro.classification.training import is_for_driver

    params = catalog.load("params:classification")
    photos = int(catalog.load("extraction_counts")["features"].sum())
    return not is_for_driver(params, photos)


def with_full_compiler(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with Java's full compiler, which starts slower, for long calculations in Java."""
    options = str(settings.get(_JAVA_OPTIONS, ""))
    return settings | {_JAVA_OPTIONS: options.replace("-XX:TieredStopAtLevel=1", "").strip()}
