"""Lets the outputs of a run take their places together."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from fruits_kedro.errors import own_error
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.storage.lock import check_locks

if TYPE_CHECKING:
    from fruits_kedro.datasets.base import AtomicDataset


class OutputHooks:
    """Holds back what a run saves until it has ended well.

    A run that fails leaves the outputs of the last complete run as they were, but for a list that
    its message names. What it saved takes its place if there is nothing to replace. The checkpoint
    of an extraction stays until its rows are among the features.

    Attributes:
        unchanged: whether the run has failed and so changed no output.
        named: the output that it has replaced, since its message names it; may be empty.
    """

    unchanged = False
    named = ""

    def __init__(self, lineage: LineageHooks) -> None:
        self._lineage = lineage

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Hold back all outputs but the checkpoint, and the user's own datasets."""
        from fruits_kedro.datasets.cached import stored

        self._catalog = catalog
        self.unchanged, self.named = False, ""
        self._outputs: dict[str, AtomicDataset] = {}
        for name in pipeline.all_outputs():
            dataset = stored(catalog.get(name))
            if hasattr(dataset, "hold_back"):
                dataset.hold_back()
                self._outputs[name] = dataset

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Let all outputs take their places."""
        self._publish()

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Discard what would replace an output of an earlier run; the error goes on."""
        with suppress(Exception):  # of a bucket that has stopped answering: the next run clears up
            held = [output.held_back for output in self._outputs.values() if output.held_back]
            self.unchanged = any(version.replaces for version in held)
            if not self.unchanged:
                self._publish()
            elif (own := own_error(error)) and own.output in self._outputs:
                self._outputs[own.output].publish()
                self.named = own.output
            for output in self._outputs.values():
                output.discard()

    def _publish(self) -> None:
        check_locks()
        saved = [name for name, output in self._outputs.items() if output.held_back]
        self._lineage.begin(saved)
        for output in self._outputs.values():
            output.publish()
        if "extracted_features" in saved:
            checkpoint: Any = self._catalog.get("extraction_checkpoint")
            checkpoint.clear()
        self._lineage.finish()
