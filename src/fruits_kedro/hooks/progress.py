"""Bars while a run works long."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from fruits_kedro.config.locations import PROGRESS
from fruits_kedro.features.status import count_pending
from fruits_kedro.hooks.locations import UsesLocations
from fruits_kedro.storage.filesystem import file_system, remove
from fruits_kedro.storage.s3 import is_s3

# Nodes that take long to run and datasets that take long to save, with the text of their bars.
_NODES = {
    "ingestion.index_images": "listing photos",
    "packing.list_images": "listing photos",
    "reduction.fit_pca_model": "fitting the PCA",
    "reporting.map_photos": "placing photos on the map",
}
_DATASETS = {
    "extraction_checkpoint": "extracting features",
    "extracted_features": "writing features",
    "pca_features": "applying the PCA",
    "pca_matrix": "writing the matrix",
    "packed_images": "packing photos",
}
_OF_SPARK = ("fitting the PCA", "writing features", "applying the PCA", "writing the matrix")
_NOTED = ("extraction_checkpoint", "packed_images")  # where 'kedro emr watch' finds it


class ProgressHooks(UsesLocations):
    """Shows how far long work has come. Curation and classification show it themselves."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Nothing has been counted yet."""
        self._catalog = catalog
        self._images: int | None = None  # of the run, and those at work
        self._at_work = 0
        self._bar: Any = None
        self._one_at_a_time = Lock()  # nodes may run side by side, each in a thread

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Start the bar of a node."""
        if what := _NODES.get(node.name):
            self._start(what, self._images if what in _OF_SPARK else None)

    @hook_impl
    def after_node_run(self) -> None:
        """Close the bar of a node."""
        self._stop()

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Start the bar of a dataset: Spark works while it saves."""
        if what := _DATASETS.get(dataset_name):
            total = self._at_work if dataset_name in _NOTED else self._images
            self._start(what, total, dataset_name)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Close the bar, and count the photos."""
        self._stop()
        if dataset_name in _NOTED:
            self._note(None)
        elif dataset_name == "class_counts":
            self._images = int(data["images"].sum())
        elif dataset_name == "extraction_plan":
            self._at_work = count_pending(data)
        elif dataset_name == "packing_info":
            self._at_work = data["images"]

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Close the bar."""
        self._stop()

    def _start(self, what: str, total: int | None, dataset_name: str = "") -> None:
        """Show a bar: of the rows of a checkpoint, of the tasks of Spark, or without a count."""
        from fruits_kedro.spark.progress import ProgressBar, photos_of_tasks_done

        if total is None:
            bar = ProgressBar(what)
        elif dataset_name == "extraction_checkpoint":
            checkpoint: Any = self._catalog.get(dataset_name)
            bar = ProgressBar(what, total, checkpoint.rows_written, self._note)
        else:
            note = {"note": self._note} if dataset_name in _NOTED else {}
            bar = ProgressBar(what, total, lambda: photos_of_tasks_done(total), **note)
        self._replace(bar)

    def _stop(self) -> None:
        self._replace(None)

    def _replace(self, bar: Any) -> None:
        with self._one_at_a_time:
            if self._bar is not None:
                self._bar.stop()
            if bar is not None:
                bar.start()
            self._bar = bar

    def _note(self, figures: dict[str, Any] | None) -> None:
        store = self._locations.roots.store
        if is_s3(store):
            fs, path = file_system(f"{store}/{PROGRESS}", self._locations.s3.storage_options())
            if figures is not None:
                fs.pipe_file(path, json.dumps(figures).encode())
            elif fs.exists(path):
                remove(fs, [path])
