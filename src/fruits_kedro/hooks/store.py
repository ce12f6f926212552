"""The store belongs to one run at a time, and what a dead one has left is cleared up."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog

from fruits_kedro.errors import FruitsError, summarize
from fruits_kedro.roots import Roots
from fruits_kedro.s3 import check_bucket, is_s3
from fruits_kedro.store_lock import StoreLock


class StoreHooks:
    """Locks the store for a run, and clears up after one that died."""

    _lock: StoreLock | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note the roots."""
        self._roots = Roots.of(context)

    @hook_impl
    def before_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Take the lock, and bring what an interrupted run has left into order."""
        self._release()  # of a run in this process that did not come to its start
        self._lock = StoreLock(self._roots.store)
        self._lock.acquire()
        for name in pipeline.datasets():
            found: Any = catalog.get(name)
            dataset = getattr(found, "_dataset", found)  # what a CachedDataset holds
            if hasattr(dataset, "recover"):
                dataset.recover()
        if "params:extraction" in pipeline.inputs() and (
            not catalog.load("params:extraction").incremental
        ):
            catalog.release("previous_checkpoint")

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Give the lock back."""
        self._release()

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Give the lock back, and say so where a bucket has stopped answering."""
        self._release()
        for root in filter(is_s3, (self._roots.images, self._roots.store)):
            try:
                check_bucket(root)
            except FruitsError as lost:
                raise FruitsError(
                    f"{summarize(error)}\nMeanwhile the bucket stopped answering: {lost}\n"
                    "Run the same command again when it does: it goes on from what is done."
                ) from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
