"""The time of the stages, the progress of the extraction, and the table at the end."""

from __future__ import annotations

import json
from typing import Any

import fsspec
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from rich import get_console

from fruits_kedro.extraction_plan import images_in
from fruits_kedro.parameters import CostParams
from fruits_kedro.prices import Prices
from fruits_kedro.roots import PROGRESS, Roots
from fruits_kedro.s3 import is_s3
from fruits_kedro.validation import checked

# What takes long to save, and what is shown meanwhile.
_LONG_WORK = {"extraction_checkpoint": "extracting features", "packed_images": "packing photos"}
_OUTPUTS = ("extracted_features", "pca_features", "pca_matrix", "pca_model", "model_info")

_CLASSIFIED = ("predictions", "label_suspects", "classifiers", "classification_report")


class ReportHooks:
    """Times the stages, shows the progress of the extraction, and ends with a table.

    Stops the run, once the features and the reasons for what is missing are written, where too
    many photos cannot be used.
    """

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note where the store is."""
        self._store = Roots.of(context).store
        self._prices = checked(
            Prices, dict(context.config_loader["prices"]), "conf/base/prices.yml"
        )

    @hook_impl(trylast=True)
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Start the clock."""
        from fruits_kedro.run_report import StageClock

        self._clock = StageClock()
        self._catalog = catalog
        self._total = 0
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
        if dataset_name == "extraction_plan":
            self._total = images_in(data)
        if dataset_name == "packing_info":
            self._total = data["images"]
        if dataset_name in _LONG_WORK:
            from pyspark.sql import SparkSession

            from fruits_kedro.progress import RowProgress

            spark = SparkSession.builder.getOrCreate()
            what = _LONG_WORK[dataset_name]
            self._progress = RowProgress(spark, self._total, what, self._note_progress)
            self._progress.start()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """The node has saved an output."""
        self._clock.touch(node)
        if dataset_name in _LONG_WORK:
            self._stop_progress()
        if dataset_name == "extraction_counts":
            from fruits_kedro.failure_rate import check_failure_rate

            load = self._catalog.load
            limit = load("params:extraction").max_failure_rate
            check_failure_rate(data, load("rejected_images"), load("image_index"), limit)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Close the bar; report what was done where too many photos cannot be used."""
        from fruits_kedro.failure_rate import FailureRateError

        self._stop_progress()
        if isinstance(error, FailureRateError):
            from fruits_kedro.pipelines.reporting.nodes import describe_extraction

            names = ("backbone_info", "extraction_plan", "extraction_counts", "rejected_images")
            more = ("machine_optimum", "params:subset")
            loaded = [self._catalog.load(name) for name in (*names, *more)]
            stopped = {"stopped": str(error)}
            self._report(describe_extraction(*loaded) | stopped, ("extracted_features",))

    @hook_impl
    def after_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Add the seconds to ``model_info`` and print the table."""
        if "pretraining_info" in pipeline.outputs():
            from fruits_kedro.run_report import training_table

            info = catalog.load("pretraining_info")
            get_console().print(training_table(info, _place(catalog["pretrained_weights"])))
        if "packing_info" in pipeline.outputs():
            from fruits_kedro.run_report import packing_table

            info = catalog.load("packing_info") | {"seconds": self._clock.total}
            get_console().print(packing_table(info, _place(catalog["packed_images"])))
        if "classification_report" in pipeline.outputs():
            from fruits_kedro.run_report import classification_table

            metrics = catalog.load("classification_metrics")
            places = {name: _place(catalog[name]) for name in _CLASSIFIED}
            get_console().print(classification_table(metrics, self._clock.total, places))
        if "model_info" in pipeline.outputs():
            self._report(catalog.load("model_info"), _OUTPUTS)

    def _report(self, info: dict[str, Any], outputs: tuple[str, ...]) -> None:
        from fruits_kedro.run_report import compare_speed, summary_table

        cost = CostParams.model_validate(self._catalog.load("params:cost"))
        info["stages"] = self._clock.stages(info["counts"])
        info |= compare_speed(info, cost, self._prices)
        info["node_seconds"] = {name: round(s, 3) for name, s in self._clock.nodes.items()}
        info["total_seconds"] = round(self._clock.total, 3)
        self._catalog.save("model_info", info)
        places = {name: _place(self._catalog[name]) for name in outputs}
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
