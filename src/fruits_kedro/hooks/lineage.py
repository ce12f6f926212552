"""Notes from which versions of its inputs each output was made."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline.node import Node

from fruits_kedro.reports.lineage import Lineage, find_stale, made_from, version_of


class LineageHooks:
    """Keeps the dataset ``lineage`` of the store, which tells outputs that are out of date."""

    def __init__(self) -> None:
        self._lineage: Lineage = {}

    @hook_impl
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Read what earlier runs noted."""
        self._catalog = catalog
        self._in_memory: Lineage = {}
        self._lineage = catalog.load("lineage") if catalog.exists("lineage") else {}

    @hook_impl(trylast=True)
    def before_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Note the version before it is there: a run that dies leaves a doubt, not a lie."""
        # Earlier results are what the outputs replace.
        inputs = [name for name in node.inputs if not name.startswith("previous_")]
        versions = made_from(inputs, self._lineage, self._in_memory)
        settings = [self._catalog.load(name) for name in inputs if name.startswith("params:")]
        settings += [self._in_memory[name]["version"] for name in inputs if name in self._in_memory]
        version = version_of(data, node.name, settings, versions)
        entry = {"version": version, "made_from": versions}
        dataset = self._catalog.get(dataset_name)
        if dataset is None or isinstance(dataset, MemoryDataset):
            self._in_memory[dataset_name] = entry
        else:
            self._lineage[dataset_name] = entry
            self._catalog.save("lineage", self._lineage)

    def stale(self) -> list[str]:
        """The outputs that are older than what they were made from."""
        return find_stale(self._lineage)
