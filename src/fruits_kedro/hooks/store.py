"""Locks the store for one run at a time, and clears up after a run that died."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from fruits_kedro.commands.mend import mending_runs
from fruits_kedro.errors import FruitsError, summarize
from fruits_kedro.hooks.locations import UsesLocations
from fruits_kedro.storage.lock import StoreLock
from fruits_kedro.storage.s3 import is_s3
from fruits_kedro.storage.s3_check import check_bucket

# An input whose absence is no fault.
_MAY_BE_MISSING = {"extraction_checkpoint"}
_FILES = (
    *("feature_files", "pca_files", "rejected_files"),
    *("previous_neighbours", "previous_selection"),
)


class StoreHooks(UsesLocations):
    """Locks the store for a run, and clears up after one that died."""

    _lock: StoreLock | None = None

    @hook_impl
    def after_catalog_created(self, catalog: Any) -> None:
        """Let the datasets of files know the datasets whose files they are."""
        for name in _FILES:
            if name in catalog:  # a catalog of before lacks it
                files = catalog.get(name)
                files.source = catalog.get(files.of)

    @hook_impl
    def before_pipeline_run(self, pipeline: Any, catalog: Any) -> None:
        """Take the lock, then clear up after an interrupted run."""
        self._release()  # of a run in this process that failed before its start
        store, s3 = self._locations.roots.store, self._locations.s3
        self._lock = StoreLock(store, s3)
        self._lock.acquire()
        try:
            self._recover(pipeline, catalog)
            _check_inputs(pipeline, catalog, store)
        except BaseException:
            self._release()
            raise

    @hook_impl
    def before_dataset_saved(self) -> None:
        """Raise FruitsError if the lock was lost."""
        if self._lock is not None:
            self._lock.check()

    @hook_impl(wrapper=True)
    def after_pipeline_run(self) -> Generator[None, Any, Any]:
        """Release the lock after all other hooks."""
        try:
            return (yield)
        finally:
            self._release()

    @hook_impl(wrapper=True)
    def on_pipeline_error(self, error: Exception) -> Generator[None, Any, Any]:
        """Release the lock; raise FruitsError if a bucket has stopped answering."""
        try:
            result = yield
        finally:
            self._release()
        roots = self._locations.roots
        for root in filter(is_s3, (roots.images, roots.store)):
            try:
                check_bucket(root, self._locations.s3)
            except FruitsError as lost:
                raise FruitsError(
                    f"{summarize(error)}\nMeanwhile the bucket stopped answering: {lost}\n"
                    "Run the same command again when it does: it goes on from what is done."
                ) from error
        return result

    def _recover(self, pipeline: Any, catalog: Any) -> None:
        from fruits_kedro.datasets.cached import stored

        for name in pipeline.datasets():
            dataset = stored(catalog.get(name))
            if hasattr(dataset, "recover"):
                dataset.recover()
        if "previous_checkpoint" in pipeline.inputs() and (
            not catalog.load("params:extraction").incremental
        ):
            catalog.get("previous_checkpoint").clear()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _check_inputs(pipeline: Pipeline, catalog: DataCatalog, store: str) -> None:
    """Raise FruitsError, with the run that makes them, if the store lacks what a run reads."""
    from kedro.framework.project import pipelines

    made = {name for found in pipelines.values() for name in found.all_outputs()}
    missing = sorted(
        name
        for name in (pipeline.inputs() & made) - _MAY_BE_MISSING
        if _has_to_exist(catalog.get(name)) and not catalog.exists(name)
    )
    if missing:
        runs = " and then ".join(f"'kedro {run}'" for run in mending_runs(missing))
        raise FruitsError(
            f"The store {store} has no {', '.join(missing)}: {runs} makes "
            f"{'it' if len(missing) == 1 else 'them'}."
        )


def _has_to_exist(dataset: Any) -> bool:
    if getattr(dataset, "optional", False):
        return False
    in_memory = isinstance(dataset, (MemoryDataset, type(None)))
    return not in_memory and type(dataset)._exists is not AbstractDataset._exists
