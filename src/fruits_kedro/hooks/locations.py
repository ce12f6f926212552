"""Where photos and results lie, and how to access them."""

from __future__ import annotations

from typing import Any

from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from fruits_kedro.config.locations import Locations
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import S3Settings, is_s3


class LocationHooks:
    """Finds both roots and the settings of buckets, for the catalog and the other hooks.

    Attributes:
        roots: of photos and results.
        s3: settings of the buckets; empty if no root lies in one.
    """

    roots: Locations
    s3: S3Settings

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Find both, and put s3fs' options under ``s3`` in Kedro's credentials."""
        if set("[]*?") & set(str(context.project_path)):
            raise FruitsError(
                f"The project's folder {context.project_path} has a bracket, * or ? in its name: "
                "Kedro finds no configuration there.\nRename the folder."
            )
        config = context.config_loader
        self.roots = Locations.of(context)
        credentials = read_optional(config, "credentials")
        entry = credentials.get("s3")
        if self.roots.requester_pays:
            entry = {"requester_pays": True, **(entry or {})}
        in_s3 = is_s3(self.roots.images) or is_s3(self.roots.store)
        self.s3 = S3Settings.find(entry) if in_s3 else S3Settings()
        config["credentials"] = credentials | {"s3": self.s3.storage_options()}


class UsesLocations:
    """Hooks that are given the locations."""

    def __init__(self, locations: LocationHooks) -> None:
        self._locations = locations


def read_optional(config: AbstractConfigLoader, name: str) -> dict[str, Any]:
    """What a kind of configuration file says; empty where there is none."""
    try:
        return dict(config[name])
    except MissingConfigException:
        return {}
