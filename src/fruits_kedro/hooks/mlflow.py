"""Notes a run in MLflow, for those who have it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from fruits_kedro.config.mlflow import MlflowSettings
from fruits_kedro.errors import FruitsError, need
from fruits_kedro.hooks.locations import UsesLocations, read_optional
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.reports.tables import flat
from fruits_kedro.validation import validate

logger = logging.getLogger(__name__)

_FIGURES = ("model_info", "classification_metrics")
_PAGES = ("report",)


class MlflowHooks(UsesLocations):
    """Notes parameters, metrics, pages and the model of a run that has ended well.

    Nothing is imported or sent unless ``mlflow.yml`` has a ``tracking_uri``.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Read the settings."""
        self._config = context.config_loader
        given = read_optional(self._config, "mlflow")
        self._settings = validate(MlflowSettings, given, "mlflow.yml is wrong")

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Find the experiment, before the work begins; FruitsError where MLflow does not answer."""
        if self._settings.tracking_uri is None:
            return
        need("mlflow")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        try:
            mlflow.set_tracking_uri(self._settings.tracking_uri)
            mlflow.set_experiment(self._settings.experiment)
        except Exception as error:  # of its server, files or database
            raise FruitsError(
                f"MLflow at {self._settings.tracking_uri} does not answer: {error}\n"
                "Start it, or leave tracking_uri of mlflow.yml empty."
            ) from None

    @hook_impl(trylast=True)
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Note the run."""
        if self._settings.tracking_uri is None:
            return
        try:
            self._note(run_params, pipeline, catalog)
        except Exception as error:  # of the server: the run itself has ended well
            logger.warning("The run is complete, but MLflow has not taken its notes: %s", error)

    def _note(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        import mlflow

        made, parameters = pipeline.all_outputs(), self._config["parameters"]
        with mlflow.start_run(run_name=run_params["run_id"]):
            mlflow.set_tag("store", self._locations.roots.store)
            mlflow.set_tag("pipelines", ",".join(run_params["pipeline_names"] or ["__default__"]))
            mlflow.log_params(flat("", parameters))
            for name in made.intersection(_FIGURES):
                found = catalog.load(name)
                mlflow.log_dict(found, f"{name}.json")
                mlflow.log_metrics(dict(_metrics(found)))
            for name in made.intersection(_PAGES):
                mlflow.log_text(catalog.load(name), f"{name}.html")
            if "classifiers" in made and self._settings.model:
                from fruits_kedro.commands.pyfunc import log_classifier

                limits = parameters["extraction"].get("limits", {})
                log_classifier(catalog, ImageLimits.model_validate(limits))


def _metrics(found: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of ``model_info``, or of the best classifier in ``classification_metrics``."""
    for protocol, scores in found.get("protocols", {}).items():
        for name, metric in scores.get("models", {}).get(found["best"], {}).items():
            yield f"{protocol}.{name}", metric["value"]
    for group in ("counts", "pca", "stages", "total_seconds"):
        for name, value in flat(group, found.get(group)).items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield name, value
