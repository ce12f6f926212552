"""The time of the nodes, the progress of long work, and the table at the end of a run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich import get_console

from fruits_kedro.commands.mend import mending_runs
from fruits_kedro.config.locations import PROGRESS, short
from fruits_kedro.errors import FailureRateError
from fruits_kedro.features.status import count_pending
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.hooks.outputs import OutputHooks
from fruits_kedro.hooks.stage_clock import StageClock
from fruits_kedro.reports import tables
from fruits_kedro.storage.filesystem import file_system, remove
from fruits_kedro.storage.s3 import is_s3

logger = logging.getLogger(__name__)

# Datasets that take long to save, and the text of their progress bar.
_LONG_WORK = {"extraction_checkpoint": "extracting features", "packed_images": "packing photos"}
_PAGES = {"report": "pictures", "classification_report": "report"}
# The files listed if there is a page with all the pictures.
_MAIN_FILES = (
    *("extracted_features", "pca_features", "pca_matrix", "pca_model", "model_info"),
    *("predictions", "label_issues", "classifiers"),
)


class ReportHooks:
    """Logs the running node, shows the progress of long work, and ends a run with a table."""

    def __init__(
        self, locations: LocationHooks, lineage: LineageHooks, outputs: OutputHooks
    ) -> None:
        self._locations = locations
        self._lineage = lineage
        self._outputs = outputs

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember how the run was started."""
        self._env = context.env

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the clock."""
        self._clock = StageClock()
        self._catalog = catalog
        self._nodes = [node.name for node in pipeline.nodes]
        self._saved: dict[str, Any] = {}
        self._progress: Any = None

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        """Time the node: it starts."""
        self._clock.touch(node)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Time and log the node: it has loaded its input."""
        self._clock.touch(node)
        place = self._nodes.index(node.name) + 1
        logger.info("%d of %d: %s", place, len(self._nodes), node.name)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Time the node and start the progress bar: Spark works while it saves."""
        self._clock.touch(node)
        if dataset_name in _LONG_WORK:
            from fruits_kedro.spark.progress import ProgressBar

            what, total = _LONG_WORK[dataset_name], self._images_at_work()
            done = self._count_done(dataset_name, total)
            self._progress = ProgressBar(done, total, what, self._note_progress)
            self._progress.start()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Time the node, keep what the table needs, and close the progress bar."""
        self._clock.touch(node)
        self._saved[dataset_name] = data if dataset_name in tables.FIGURES else None
        if dataset_name in _LONG_WORK:
            self._stop_progress()
            self._note_progress(None)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Close the bar; say what is done and what is out of date now. The error goes on."""
        self._stop_progress()
        with suppress(Exception):
            if isinstance(error, FailureRateError):
                self._end()
            else:
                self._print(self._unchanged() | self._stale())

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Add the seconds to ``model_info`` and print the table."""
        self._end()

    def _end(self) -> None:
        saved = self._saved
        if info := saved.get("model_info"):
            counts = info["counts"]
            info["stages"] = self._clock.stages(counts["images"], counts["extracted"])
            info["node_seconds"] = {name: round(s, 3) for name, s in self._clock.nodes.items()}
            info["total_seconds"] = round(self._clock.total, 3)
            self._catalog.save("model_info", info)
        stages = self._clock.stages(0, self._images_at_work())
        metrics = saved.get("classification_metrics")
        places = ((name, getattr(self._catalog.get(name), "location", None)) for name in saved)
        files = {name: place for name, place in places if place}
        if self._outputs.unchanged:
            files = {name: place for name, place in files.items() if name == self._outputs.named}
        shown = {
            "Result": tables.result_rows(saved),
            **(tables.score_tables(metrics) if metrics else {}),
            "Where to look": self._where_to_look(files),
            tables.NEXT: tables.next_commands(files, self._locations.roots.given, self._env),
            **self._unchanged(),
            **self._stale(),
            "Files": [
                (name, short(place))
                for name, place in files.items()
                if name in _MAIN_FILES or not any(page in files for page in _PAGES)
            ],
            "Time": tables.time_rows(stages, self._clock.total),
        }
        self._print(shown)

    def _print(self, shown: dict[str, tables.Rows]) -> None:
        console = get_console()
        text = tables.format_tables(shown, console.width)
        if text:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _unchanged(self) -> dict[str, tables.Rows]:
        """That a run which failed has replaced nothing."""
        kept = "All outputs are those of the last complete run. What was extracted is kept."
        return {"Unchanged": [("", kept)]} if self._outputs.unchanged else {}

    def _stale(self) -> dict[str, tables.Rows]:
        """What is older than what it was made from, and the runs that make it anew."""
        if not (stale := self._lineage.stale()):
            return {}
        places = self._locations.roots.given
        runs = [("", tables.command_line(run, places, self._env)) for run in mending_runs(stale)]
        return {"Out of date": [("", ", ".join(stale))], tables.MAKE_ANEW: runs}

    def _where_to_look(self, files: dict[str, str]) -> tables.Rows:
        rows = [
            (what, f"{short(files[name])} (open it in a browser)")
            for name, what in _PAGES.items()
            if name in files
        ]
        extraction = self._saved.get("extraction_info")
        if extraction and extraction["counts"]["rejected"] and "rejected_images_csv" in files:
            rows.append(("rejected", short(files["rejected_images_csv"])))
        return rows

    def _images_at_work(self) -> int:
        """Number of photos in the long work."""
        if plan := self._saved.get("extraction_plan"):
            return count_pending(plan)
        return (self._saved.get("packing_info") or {}).get("images", 0)

    def _count_done(self, dataset_name: str, total: int) -> Callable[[], int]:
        """A function that counts the photos done by a long work."""
        from pyspark.sql import SparkSession

        from fruits_kedro.spark.progress import share_of_tasks_done

        if dataset_name == "extraction_checkpoint":
            checkpoint: Any = self._catalog.get(dataset_name)
            return checkpoint.rows_written
        spark = SparkSession.builder.getOrCreate()
        return lambda: int(total * share_of_tasks_done(spark))

    def _note_progress(self, figures: dict[str, Any] | None) -> None:
        store = self._locations.roots.store
        if is_s3(store):  # 'kedro emr watch' reads it there
            fs, path = file_system(f"{store}/{PROGRESS}", self._locations.s3.storage_options())
            if figures is not None:
                fs.pipe_file(path, json.dumps(figures).encode())
            elif fs.exists(path):
                remove(fs, [path])

    def _stop_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
