"""A process of the service: one thread answers, the main thread classifies."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from fruits_kedro.serving.metrics import Metrics
from fruits_kedro.serving.predict import Answer, predict
from fruits_kedro.serving.settings import ServeSettings
from fruits_kedro.serving.store import Store, load_store, version_of

logger = logging.getLogger(__name__)

_SECONDS_UNTIL_STUCK = 60
_SECONDS_UNTIL_RETRY = 30


class BusyError(HTTPException):
    """More photos wait, or more bytes, than are allowed."""

    def __init__(self) -> None:
        again = {"Retry-After": "1", "Connection": "close"}
        super().__init__(503, "Too many photos wait. Try again.", again)


@dataclass(frozen=True)
class _Job:
    contents: Sequence[bytes]
    neighbours: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[Answer]]


class Service:
    """The store that answers now, and the photos that wait.

    Attributes:
        store: the newest complete one; a request uses the one that is there when its turn comes.
    """

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.store: Store = load_store(settings.store, settings.options)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = self._bytes = 0
        self._began: float | None = None
        self._stopped = threading.Event()

    async def predict(self, contents: Sequence[bytes], neighbours: int) -> list[Answer]:
        """An answer for each photo: see :func:`~fruits_kedro.serving.predict.predict`.

        Raises:
            BusyError: too many photos wait.
        """
        if self._waiting + len(contents) > self.settings.queue:
            raise BusyError
        loop = asyncio.get_running_loop()
        job = _Job(contents, neighbours, loop, loop.create_future())
        self._count(len(contents))
        try:
            self._jobs.put(job)
            return await job.future
        finally:
            self._count(-len(contents))

    @contextmanager
    def room_for(self, length: int) -> Iterator[None]:
        """Room in memory for so many bytes of a request; BusyError if there is none."""
        if self._bytes + length > self.settings.waiting_bytes:
            raise BusyError
        self._bytes += length
        try:
            yield
        finally:
            self._bytes -= length

    def _count(self, photos: int) -> None:
        self._waiting += photos
        self.metrics.waiting.inc(photos)

    def work(self) -> None:
        """Classify what waits, until :meth:`stop`. In the main thread, where time limits work."""
        while (job := self._jobs.get()) is not None:
            if job.future.cancelled():
                continue
            self._began = time.monotonic()
            try:
                limits = self.settings.limits
                found: Any = predict(self.store, job.contents, limits, job.neighbours)
            except BaseException as error:
                logger.exception("A request failed")
                found = RuntimeError(type(error).__name__)
            self._began = None
            with suppress(RuntimeError):  # the loop has ended
                job.loop.call_soon_threadsafe(_answer, job.future, found)

    def stop(self) -> None:
        """Let :meth:`work` end when what waits is done."""
        self._stopped.set()
        self._jobs.put(None)

    def watch(self) -> None:
        """Take a new store in the place of the old one as soon as it is complete; until stopped.

        A process whose decoder hangs, where no time limit works, ends: another takes its place.
        """
        refused, until = "", 0.0
        place, options = self.settings.store, self.settings.options
        while not self._stopped.wait(self.settings.poll_seconds):
            if self._began is not None and time.monotonic() - self._began > _SECONDS_UNTIL_STUCK:
                logger.error("A photo has taken %d s: the process ends", _SECONDS_UNTIL_STUCK)
                os._exit(1)
            version = ""
            try:
                version = version_of(place, options)
                if version in ("", self.store.version):
                    continue
                if version == refused and time.monotonic() < until:
                    continue
                time.sleep(self.settings.poll_seconds / 2)
                if version_of(place, options) == version:  # nobody is at work on it
                    self.store = load_store(place, options)
                    self.metrics.loads.inc()
                    logger.info("The store has changed: %s answers now", self.store.best)
            except Exception as error:  # a file that is being replaced, a bucket that is away
                refused, until = version, time.monotonic() + _SECONDS_UNTIL_RETRY
                logger.warning("The old store goes on: %s", error)


def _answer(future: asyncio.Future[list[Answer]], found: Any) -> None:
    if future.cancelled():
        return
    if isinstance(found, BaseException):
        future.set_exception(found)
    else:
        future.set_result(found)
