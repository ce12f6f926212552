"""Notes from which versions of its inputs each output was made."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline.node import Node

from fruits_kedro.reports.lineage import Lineage, find_stale, made_from, version_of

_UNFINISHED = "unfinished"


class LineageHooks:
    """Keeps the dataset ``lineage`` of the store, which tells outputs that are out of date."""

    def __init__(self) -> None:
        self._lineage: Lineage = {}
        self._guard = threading.Lock()  # Kedro's ThreadRunner saves several datasets at once

    @hook_impl(trylast=True)
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Read what earlier runs noted."""
        self._catalog = catalog
        self._in_memory: Lineage = {}
        self._lineage = catalog.load("lineage") if catalog.exists("lineage") else {}

    @hook_impl(trylast=True)
    def before_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Note that an output is being made: a run that dies leaves a doubt, not a lie."""
        with self._guard:
            # Earlier results are what the outputs replace.
            inputs = [name for name in node.inputs if not name.startswith("previous_")]
            versions = made_from(inputs, self._lineage, self._in_memory)
            memory = self._in_memory
            settings = [self._catalog.load(name) for name in inputs if name.startswith("params:")]
            settings += [memory[name]["version"] for name in inputs if name in memory]
            entry = {"version": version_of(data, node.name, settings, versions)}
            if isinstance(self._catalog.get(dataset_name), (MemoryDataset, type(None))):
                memory[dataset_name] = entry | {"made_from": versions}
                return
            doubt = versions | {dataset_name: _UNFINISHED}
            self._lineage[dataset_name] = entry | {"made_from": doubt}
            self._catalog.save("lineage", self._lineage)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Take the doubt back; the next output, or the end of the run, writes it down."""
        with self._guard:
            if dataset_name in self._lineage:
                self._lineage[dataset_name]["made_from"].pop(dataset_name, None)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Write what the run has made."""
        self._catalog.save("lineage", self._lineage)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Write what the run has made before it failed; the failure itself goes before."""
        with self._guard, suppress(Exception):
            self._catalog.save("lineage", self._lineage)

    def stale(self) -> list[str]:
        """The outputs that are older than what they were made from."""
        return find_stale(self._lineage)
