"""The settings of the service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from fruits_kedro.errors import FruitsError
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.validation import StrictModel

# Variables that hold the token and, for a process, the settings: all may read arguments.
TOKEN, SETTINGS = "FRUITS_KEDRO_TOKEN", "FRUITS_KEDRO_SERVE"
CANNOT_START = 3  # the exit code of a process that says why


class ServeSettings(StrictModel):
    """The settings of the service.

    Attributes:
        store: a folder or a URL.
        options: for fsspec.
        host: the address to listen at.
        port: of TCP; 0 takes a free one.
        processes: how many answer, each on one core; by default one for each.
        photos: of a request, at most.
        queue: photos that wait in a process, at most: beyond, a request is answered with 503.
        limits: of a photo.
        request_bytes: of a request's body, at most.
        waiting_bytes: of all bodies in a process: beyond, a request is answered with 503.
        request_seconds: that a client may take to send it.
        neighbours: how many similar photos an answer names.
        poll_seconds: between looks whether the store has changed.
    """

    store: str
    options: dict[str, Any] = Field(default={})
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    processes: PositiveInt = Field(default_factory=lambda: len(os.sched_getaffinity(0)))
    photos: PositiveInt = 16
    queue: PositiveInt = 32
    limits: ImageLimits = ImageLimits(bytes=20_000_000, pixels=50_000_000, seconds=5)
    request_bytes: PositiveInt = 32_000_000
    waiting_bytes: PositiveInt = 128_000_000
    request_seconds: PositiveFloat = 20.0
    neighbours: Annotated[int, Field(ge=0, le=100)] = 6
    poll_seconds: PositiveFloat = 2.0

    @model_validator(mode="after")
    def _has_room(self) -> ServeSettings:
        if self.queue < self.photos:
            raise ValueError(f"queue: a request may have {self.photos} photos, so at least as many")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


def find_token(file: Path | None) -> str | None:
    """The token of a file, else of the variable; None if there is neither.

    Raises:
        FruitsError: the file is empty.
    """
    if file is None:
        return os.environ.get(TOKEN)
    if token := file.read_text().strip():
        return token
    raise FruitsError(f"There is no token in {file}.")
