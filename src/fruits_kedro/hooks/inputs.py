"""Refuses wrong parameters and locations before the run starts."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog

from fruits_kedro.backbones.weights import find_weights
from fruits_kedro.config.locations import check_store
from fruits_kedro.config.parameters import Parameters, select_subset
from fruits_kedro.errors import FruitsError, need
from fruits_kedro.hooks.locations import UsesLocations
from fruits_kedro.images.packed import open_images
from fruits_kedro.validation import did_you_mean, setting_names, validate

_NOT_READ = ", and no pipeline reads it; parameters of your own belong into conf/local"


class InputHooks(UsesLocations):
    """Refuses wrong parameters and locations before Spark starts."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters at once, before Kedro checks them one by one."""
        values = context.config_loader["parameters"]
        own = {name for name in values if name not in Parameters.model_fields}
        _check_own_groups(own, context.config_loader.runtime_params)
        ours = {name: value for name, value in values.items() if name not in own}
        parameters = validate(Parameters, ours, "The parameters are wrong")
        select_subset(parameters.subset, parameters.subsets)
        self._may_replace = parameters.replace_images

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Check that photos and weights are there and that the store can be written."""
        roots, s3 = self._locations.roots, self._locations.s3
        if "params:classification" in pipeline.inputs():
            need("xgboost")
        if "neighbours" in pipeline.all_outputs():
            need("faiss")
        if "params:pretraining" in pipeline.inputs():
            need("tensorflow")
        check_store(roots.store, s3)
        if "raw_images" in pipeline.inputs():
            catalog.load("raw_images").check()
            may_replace = self._may_replace and "input_root" in pipeline.all_outputs()
            if "packed_images" not in pipeline.all_outputs() and not may_replace:
                _check_input_root(catalog, roots.store)
        if "packed_images" in pipeline.outputs() and not self._may_replace:
            _check_packed(catalog)
        if "params:extraction" in pipeline.inputs():
            from fruits_kedro.backbones.find import find_backbone

            asked = catalog.load("params:extraction").backbone_settings
            find_backbone(asked, catalog.load("previous_backbone"))
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


def _check_packed(catalog: DataCatalog) -> None:
    """Raise FruitsError if photos of another folder were packed in the place of these."""
    packed: Any = catalog.get("packed_images")
    given = catalog.load("raw_images").origin
    if not packed.exists():
        return
    known = open_images(packed.location, packed.credentials).origin
    if given not in (known, packed.location):
        raise FruitsError(
            f"{packed.location} holds photos packed from {known}, not from {given}.\n"
            "Give these photos a store of their own: --params store=… Or let them replace the "
            "others: --params replace_images=true"
        )


def _check_own_groups(own: set[str], given: dict[str, Any]) -> None:
    """Raise FruitsError if a group of the user's is a near miss of ours, or nobody reads it."""
    names = setting_names(Parameters)
    for name in sorted(own):
        hint = did_you_mean(name, names)
        if not hint and name in given and name not in _read_by_pipelines():
            hint = did_you_mean(name, _read_by_pipelines()) or _NOT_READ
        if hint:
            raise FruitsError(
                f"The parameters are wrong:\n- {name}: there is no such setting{hint}"
            )


def _read_by_pipelines() -> set[str]:
    from kedro.framework.project import pipelines

    inputs = {name for pipeline in pipelines.values() for name in pipeline.inputs()}
    return {name.partition(":")[2].split(".")[0] for name in inputs if name.startswith("params:")}
