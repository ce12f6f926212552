"""Notes from which versions of its inputs each output was made."""

from __future__ import annotations

import threading
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline.node import Node

from fruits_kedro.reports.lineage import Lineage, find_stale, made_from, version_of

_UNFINISHED = "unfinished"
# Earlier results are what the outputs replace; photos that moved are the same photos.
_NOT_CONTENT = ("previous_", "input_root")
_CHECKPOINT = "extraction_checkpoint"  # is work, and no output until it is among the features


class LineageHooks:
    """Keeps the dataset ``lineage`` of the store, which tells outputs that are out of date."""

    def __init__(self) -> None:
        self._lineage: Lineage = {}
        self._guard = threading.Lock()  # Kedro's ThreadRunner saves several datasets at once

    @hook_impl(trylast=True)
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Read what earlier runs noted."""
        self._catalog = catalog
        self._lineage = catalog.load("lineage") if catalog.exists("lineage") else {}
        self._run: Lineage = {}
        self._in_memory: Lineage = {}

    @hook_impl(trylast=True)
    def before_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Note what an output is made from."""
        with self._guard:
            inputs = [name for name in node.inputs if not name.startswith(_NOT_CONTENT)]
            memory = self._in_memory
            versions = made_from(inputs, self._lineage | self._run, memory)
            settings = [self._catalog.load(name) for name in inputs if name.startswith("params:")]
            settings += [memory[name]["version"] for name in inputs if name in memory]
            version = version_of(data, node.name, settings, versions)
            from fruits_kedro.datasets.cached import stored

            dataset = stored(self._catalog.get(dataset_name))
            in_memory = isinstance(dataset, (MemoryDataset, type(None)))
            noted = memory if in_memory else self._run
            noted[dataset_name] = {"version": version, "made_from": versions}
            at_once = not in_memory and not getattr(dataset, "holds_back", False)
            if at_once and dataset_name != _CHECKPOINT:
                self.begin([dataset_name])

    def begin(self, names: list[str]) -> None:
        """Write down that outputs are being replaced: a run that dies meanwhile leaves a doubt."""
        for name in names:
            noted = self._run[name]
            doubt = noted["made_from"] | {name: _UNFINISHED}
            self._lineage[name] = noted | {"made_from": doubt}
        if names:
            self._catalog.save("lineage", self._lineage)

    def finish(self) -> None:
        """Write down that all outputs of the run have taken their places."""
        if self._run:
            self._lineage |= self._run
            self._catalog.save("lineage", self._lineage)

    def stale(self, with_this_run: bool = False) -> list[str]:
        """The outputs older than what they were made from, now or once this run's are in place."""
        return find_stale(self._lineage | self._run if with_this_run else self._lineage)
