"""Refuses wrong parameters and locations before the run starts."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog

from fruits_kedro.backbones.weights import find_weights
from fruits_kedro.config.locations import check_store
from fruits_kedro.config.parameters import Parameters, select_subset
from fruits_kedro.errors import FruitsError
from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.storage.s3 import check_bucket, is_s3
from fruits_kedro.validation import validate


class InputHooks:
    """Refuses wrong parameters and locations before Spark starts."""

    def __init__(self, locations: LocationHooks) -> None:
        self._locations = locations

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters at once, before Kedro checks them one by one."""
        values = context.config_loader["parameters"]
        parameters = validate(Parameters, values, "The parameters are wrong")
        select_subset(parameters.subset, parameters.subsets)
        self._may_replace = parameters.replace_images

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Check that photos and weights are there and that the store can be written."""
        roots, s3 = self._locations.roots, self._locations.s3
        if "raw_images" in pipeline.inputs():
            if is_s3(roots.images):
                check_bucket(roots.images, s3)
            catalog.load("raw_images").check()
        check_store(roots.store, s3)
        if "input_root" in pipeline.outputs() and not self._may_replace:
            _check_input_root(catalog, roots.store)
        if "params:extraction" in pipeline.inputs():
            from fruits_kedro.backbones.load import find_backbone

            asked = catalog.load("params:extraction")
            settings = (asked.weights, asked.engine, asked.precision, asked.input_size)
            find_backbone(*settings, catalog.load("previous_backbone"))
        if "params:pretraining" in pipeline.inputs():
            catalog.load("pretraining_checkpoint")
            if (init := catalog.load("params:pretraining").init) != "random":
                find_weights(init)


def _check_input_root(catalog: DataCatalog, store: str) -> None:
    """Raise FruitsError if the store was made from other photos than those of this run."""
    if not catalog.exists("input_root"):
        return
    known, given = catalog.load("input_root")["images"], catalog.load("raw_images").origin
    if known != given:
        raise FruitsError(
            f"The store {store} was made from the photos in {known}, not from those in {given}.\n"
            "Give these photos a store of their own: --params store=… Or let them replace the "
            "others, whose features then leave the store (photos that only moved keep theirs): "
            "--params replace_images=true"
        )
