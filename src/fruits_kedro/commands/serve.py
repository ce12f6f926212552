"""``kedro serve``: finds the store, and starts the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fruits_kedro.commands.run import check_environment
from fruits_kedro.config.locations import read_root
from fruits_kedro.errors import FruitsError, need
from fruits_kedro.serving.settings import ServeSettings, find_token
from fruits_kedro.storage.s3 import is_s3
from fruits_kedro.validation import validate


def serve_store(
    env: str | None, params: dict[str, Any], token_file: Path | None, given: dict[str, Any]
) -> int:
    """Serve a store until the service is ended; returns the exit code.

    Args:
        given: settings of :class:`ServeSettings`; None leaves one as it is.

    Raises:
        FruitsError: it cannot start.
    """
    need("fastapi", "uvicorn", "prometheus_client", "python_multipart")
    from fruits_kedro.serving.server import Server

    store, options = _find_store(env, params)
    asked = {name: value for name, value in given.items() if value is not None}
    values = asked | {"store": store, "options": options}
    server = Server(
        validate(ServeSettings, values, "The service cannot start"), find_token(token_file)
    )
    return server.run(lambda text: click.echo(text, err=True))


def _find_store(env: str | None, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The store and its options for fsspec; a folder that is given needs no session."""
    if "store" in params and env is None and not is_s3(str(params["store"])):
        store = read_root("store", params["store"], Path.cwd())
        if not Path(store).is_dir():
            raise FruitsError(f"There is no store {store}.")
        return store, {}
    from kedro.framework.session import KedroSession

    from fruits_kedro.datasets.cached import stored

    check_environment(env)
    with KedroSession.create(env=env, runtime_params=params) as session:
        context: Any = session.load_context()  # type: ignore[attr-defined]
        location: Any = context.catalog["classifier_info"]
        backbone: Any = stored(context.catalog["backbone"])
        root = str(location.location).rpartition("/06_models/")[0]
        return root, dict(backbone.credentials)
