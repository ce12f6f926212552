"""Kedro's hooks: check the input, own Spark's settings, time the run and sum it up."""

from __future__ import annotations

import json
import logging
from typing import Any

import fsspec
from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from pydantic import ValidationError
from rich import get_console

from fruits_kedro.errors import FruitsError, summarize
from fruits_kedro.parameters import Parameters, select_subset
from fruits_kedro.roots import PROGRESS, Roots, check_store
from fruits_kedro.s3 import check_bucket, export_credentials, is_s3, spark_settings

logger = logging.getLogger(__name__)

_OUTPUTS = ("extracted_features", "pca_features", "pca_matrix", "pca_model", "model_info")


class InputHooks:
    """Refuses wrong parameters and places before Spark starts."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check the parameters, all at once, before Kedro does one by one; note the store."""
        try:
            checked = Parameters.model_validate(context.config_loader["parameters"])
        except ValidationError as error:
            raise FruitsError(_readable(error)) from None
        select_subset(checked.subset, checked.subsets)
        self._roots = Roots.of(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Check that photos, store and weights are there, before anything starts or is written."""
        if "raw_images" in pipeline.inputs():
            catalog.load("raw_images").check()
        check_store(self._roots.store)
        if "params:extraction" in pipeline.inputs():
            from fruits_kedro.backbones.load import load_backbone

            params = catalog.load("params:extraction")
            load_backbone(params.weights, params.engine, params.input_size)
        if "params:pretraining" in pipeline.inputs():
            from fruits_kedro.backbones.weights import find_weights

            catalog.load("pretraining_checkpoint")
            if (init := catalog.load("params:pretraining").init) != "random":
                find_weights(init)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Say so where a bucket has stopped answering: Spark's own words do not."""
        for root in filter(is_s3, (self._roots.images, self._roots.store)):
            try:
                check_bucket(root)
            except FruitsError as lost:
                raise FruitsError(
                    f"{summarize(error)}\nMeanwhile the bucket stopped answering: {lost}\n"
                    "Run the same command again when it does; nothing half-written will load."
                ) from error


class SparkHooks:
    """Owns Spark's configuration: ``spark.yml`` of the environment, for runs and notebooks."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Arrange the settings for whoever first uses Spark; starts nothing."""
        from fruits_kedro.spark_session import prepare_session

        config = context.config_loader
        roots = Roots.of(context)
        self._settings = dict(config["spark"])
        if roots.in_s3:
            export_credentials(_credentials(config).get("s3"))
        if is_s3(roots.store) and self._settings.get("spark.master") != "yarn":
            self._settings = {**config["s3a"], **spark_settings(), **self._settings}
        prepare_session(self._settings)

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Start Spark once everything else is checked."""
        from fruits_kedro.spark_session import start_session

        start_session(self._settings)


class ReportHooks:
    """Times the stages, shows the progress of the extraction, and ends with a table."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note where the store is."""
        self._store = Roots.of(context).store

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Start the clock."""
        from fruits_kedro.run_report import StageClock

        self._clock = StageClock()
        self._images = 0
        self._progress: Any = None

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        """A node starts."""
        self._clock.touch(node)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """A node starts, or has loaded its input."""
        self._clock.touch(node)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """The node has returned; saving is where Spark works."""
        self._clock.touch(node)
        if dataset_name == "class_counts":
            self._images = int(data["images"].sum())
        if dataset_name == "extracted_features":
            from fruits_kedro.progress import RowProgress

            self._progress = RowProgress(
                data.sparkSession, self._images, "extracting features", self._note_progress
            )
            self._progress.start()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """The node has saved an output."""
        self._clock.touch(node)
        if dataset_name == "extracted_features":
            self._stop_progress()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Close the bar."""
        self._stop_progress()

    @hook_impl
    def after_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Add the seconds to ``model_info`` and print the table."""
        from fruits_kedro.run_report import summary_table, training_table

        if "pretraining_info" in pipeline.outputs():
            info = catalog.load("pretraining_info")
            get_console().print(training_table(info, _place(catalog["pretrained_weights"])))
        if "model_info" not in pipeline.outputs():
            return
        info = catalog.load("model_info")
        info["stages"] = self._clock.stages(info["counts"]["images"])
        info["node_seconds"] = {name: round(s, 3) for name, s in self._clock.nodes.items()}
        info["total_seconds"] = round(self._clock.total, 3)
        catalog.save("model_info", info)
        places = {name: _place(catalog[name]) for name in _OUTPUTS}
        get_console().print(summary_table(info, places))

    def _note_progress(self, figures: dict[str, Any]) -> None:
        if is_s3(self._store):  # where nobody sees the bar
            with fsspec.open(f"{self._store}/{PROGRESS}", "w") as file:
                json.dump(figures, file)

    def _stop_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _place(dataset: Any) -> str:
    inner = getattr(dataset, "_dataset", dataset)  # what a CachedDataset holds
    place, protocol = str(inner._describe()["filepath"]), getattr(inner, "_protocol", "file")
    if "://" not in place and protocol not in ("file", ""):
        place = f"{protocol}://{place}"
    return place.removeprefix("file://").replace("s3a://", "s3://")


def _credentials(config: AbstractConfigLoader) -> dict[str, Any]:
    try:
        return dict(config["credentials"])
    except MissingConfigException:
        return {}


def _readable(error: ValidationError) -> str:
    lines = [
        f"{'.'.join(map(str, fault['loc']))}: "
        + (
            "there is no such parameter"
            if fault["type"] == "extra_forbidden"
            else f"{fault['msg'].removeprefix('Value error, ')} (given: {fault['input']!r})"
        )
        for fault in error.errors()
    ]
    return "The parameters are wrong:\n" + "\n".join(f"- {line}" for line in lines)
