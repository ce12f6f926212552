"""The time of the nodes, and the table at the end of a run."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich import get_console

from fruits_kedro.commands.mend import mending_runs
from fruits_kedro.config.locations import short
from fruits_kedro.errors import FailureRateError
from fruits_kedro.features.status import count_pending
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.hooks.outputs import OutputHooks
from fruits_kedro.hooks.stage_clock import StageClock
from fruits_kedro.reports import tables

logger = logging.getLogger(__name__)

_CHAPTERS = ("curation", "classification")
# Of a run with a report, the files that its table names.
_SHOWN = {
    "report": "report",
    "rejected_images_csv": "reasons",
    "pca_matrix": "matrix",
    "predictions": "predictions",
}


class ReportHooks:
    """Logs the running node, times it, and ends a run with a table."""

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
        given = context.config_loader.runtime_params or {}
        places = ("images", "store")  # which every run has: their own hooks know those given
        self._given = {name: value for name, value in given.items() if name not in places}

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Start the clock."""
        self._clock = StageClock()
        self._catalog = catalog
        self._nodes = [node.name for node in pipeline.nodes]
        self._saved: dict[str, Any] = {}

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        """Time the node: it starts."""
        self._clock.touch(node)

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> dict[str, Any]:
        """Time and log the node: it has loaded its input. The report gets the seconds up to now."""
        self._clock.touch(node)
        place = self._nodes.index(node.name) + 1
        logger.info("%d of %d: %s", place, len(self._nodes), node.name)
        if "report" not in node.outputs:
            return {}
        stale = self._lineage.stale(with_this_run=True)
        old = [name for name in _CHAPTERS if f"{name}_summary" in stale]
        return {"model_info": self._timed(inputs["model_info"]) | {"out_of_date": old}}

    @hook_impl
    def before_dataset_saved(self, node: Node) -> None:
        """Time the node: Spark works while it saves."""
        self._clock.touch(node)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Time the node, and keep what the table needs."""
        self._clock.touch(node)
        self._saved[dataset_name] = data if dataset_name in tables.FIGURES else None

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Say what is done and what is out of date now. The error goes on."""
        with suppress(Exception):
            if isinstance(error, FailureRateError):
                self._end()
            else:
                self._print([*self._unchanged(), *self._stale()])

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Add the seconds to ``model_info`` and print the table."""
        self._end()

    def _end(self) -> None:
        saved = self._saved
        if info := saved.get("model_info"):
            info = self._timed(info)
            info["node_seconds"] = {name: round(s, 3) for name, s in self._clock.nodes.items()}
            info["total_seconds"] = round(self._clock.total, 3)
            self._catalog.save("model_info", info)
        plan = saved.get("extraction_plan")
        stages = self._clock.stages(0, count_pending(plan) if plan else 0)
        places = ((name, getattr(self._catalog.get(name), "location", None)) for name in saved)
        files = {name: place for name, place in places if place}
        if self._outputs.unchanged:
            files = {name: place for name, place in files.items() if name == self._outputs.named}
        self._print(
            [
                *tables.result_rows(saved),
                tables.time_row(stages, self._clock.total),
                *self._where_to_look(files),
                *self._unchanged(),
                *self._stale(),
                *tables.next_commands(files, self._locations.roots.given, self._env),
            ]
        )

    def _timed(self, info: dict[str, Any]) -> dict[str, Any]:
        """The record of this run with its command, places and seconds of stages; others as is."""
        if "model_info" not in self._saved:
            return info
        counts, places = info["counts"], self._locations.roots.given
        stages = self._clock.stages(counts["images"], counts["extracted"])
        return info | {
            "command": tables.command_line("run", places | self._given, self._env),
            "places": places,
            "env": self._env,
            "stages": stages,
        }

    def _print(self, rows: tables.Rows) -> None:
        console = get_console()
        if text := tables.format_table(rows, console.width):
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _unchanged(self) -> tables.Rows:
        """That a run which failed has replaced nothing."""
        kept = "All outputs are those of the last complete run. What was extracted is kept."
        return [("unchanged", kept)] if self._outputs.unchanged else []

    def _stale(self) -> tables.Rows:
        """What is older than what it was made from, and the runs that make it anew."""
        if not (stale := self._lineage.stale()):
            return []
        places = self._locations.roots.given
        runs = [tables.command_line(run, places, self._env) for run in mending_runs(stale)]
        return [
            ("out of date", ", ".join(stale)),
            *((tables.MAKE_ANEW if i == 0 else "", run) for i, run in enumerate(runs)),
        ]

    def _where_to_look(self, files: dict[str, str]) -> tables.Rows:
        """The report and what goes with it; of a run without one, all its files."""
        if "report" not in files:
            return [(name, short(place)) for name, place in files.items()]
        extraction = self._saved.get("extraction_info")
        rejected = extraction and extraction["counts"]["rejected"]
        shown = {name: what for name, what in _SHOWN.items() if name in files}
        if not rejected:
            shown.pop("rejected_images_csv", None)
        return [(what, short(files[name])) for name, what in shown.items()]
