"""Where runs go, and what comes of them, on a cluster or on EMR Serverless."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fruits_kedro.config.locations import PROGRESS
from fruits_kedro.emr.aws import Aws, Show, watch
from fruits_kedro.emr.context import Service
from fruits_kedro.emr.service import Place, RunState
from fruits_kedro.errors import FruitsError


class RunFailedError(FruitsError):
    """A run has failed, as AWS itself says."""


def need_place(service: Service, name: str) -> Place:
    """The newest place that takes runs; FruitsError if there is none."""
    if found := service.places():
        return found[0]
    raise FruitsError(f"There is no {service.kind} {name}. Create one: kedro emr up{on(service)}")


def last_place(service: Service, name: str) -> Place:
    """The live place, else the one that was created last; FruitsError if AWS knows of none."""
    if found := service.places() or service.places(ended=True):
        return found[0]
    raise FruitsError(f"AWS knows of no {service.kind} {name} in this region.")


def on(service: Service) -> str:
    """The option of a command for this service; empty for a cluster, the default."""
    return "" if service.kind == "cluster" else " --on serverless"


def watch_run(
    aws: Aws, service: Service, place_id: str, run_id: str, store: str, show: Show
) -> RunState:
    """The state of a run, once it has ended well; ``store`` is where it writes its progress.

    Raises:
        RunFailedError: it failed; says what AWS knows.
        OutOfSightError: AWS does not answer any more.
    """
    started = datetime.now(UTC)

    def look() -> tuple[RunState, dict[str, Any] | None]:
        state = service.look(place_id, run_id)
        return state, read_progress(aws, store, started) if state.is_running else None

    for (state, progress), waited in watch(look, show):
        show(state.name, waited, progress)
        if state.is_good:
            return state
        if state.is_over:
            raise RunFailedError(
                f"The run {run_id} has ended: {state.name}. {state.reason}\n"
                "What lies in the store is complete or absent, never half.\n"
                f"The Python traceback: kedro emr logs{on(service)}"
            )
    raise AssertionError("watch() goes on for ever")


def read_progress(aws: Aws, store: str, since: datetime) -> dict[str, Any] | None:
    """The progress a run last wrote: ``what, done, total, images_per_s, written_at``.

    None outside a bucket, without progress, or if it was written before ``since``.
    """
    if not store.startswith("s3"):
        return None
    content = aws.download(f"{store}/{PROGRESS}")
    if content is None:
        return None
    found: dict[str, Any] = json.loads(content)
    return found if datetime.fromisoformat(found["written_at"]) >= since else None
