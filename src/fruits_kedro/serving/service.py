"""A process of the service: one thread answers, the main thread classifies."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving.metrics import Metrics
from fruits_kedro.serving.predict import Answer, predict
from fruits_kedro.serving.settings import ServeSettings
from fruits_kedro.serving.store import Store, load_store, version_of

logger = logging.getLogger(__name__)


class BusyError(Exception):
    """More photos wait than are allowed."""


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
        self._waiting = 0
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

    def _count(self, photos: int) -> None:
        self._waiting += photos
        self.metrics.waiting.inc(photos)

    def work(self) -> None:
        """Classify what waits, until :meth:`stop`. In the main thread, where time limits work."""
        while (job := self._jobs.get()) is not None:
            if job.future.cancelled():
                continue
            try:
                limits = self.settings.limits
                found: Any = predict(self.store, job.contents, limits, job.neighbours)
            except BaseException as error:
                logger.exception("A request failed")
                found = RuntimeError(type(error).__name__)
            job.loop.call_soon_threadsafe(_answer, job.future, found)

    def stop(self) -> None:
        """Let :meth:`work` end when what waits is done."""
        self._stopped.set()
        self._jobs.put(None)

    def watch(self) -> None:
        """Take a new store in the place of the old one as soon as it is complete; until stopped."""
        refused = ""
        place, options = self.settings.store, self.settings.options
        while not self._stopped.wait(self.settings.poll_seconds):
            try:
                version = version_of(place, options)
                if version in ("", self.store.version, refused):
                    continue
                time.sleep(self.settings.poll_seconds / 2)
                if version_of(place, options) == version:  # nobody is at work on it
                    self.store = load_store(place, options)
                    self.metrics.loads.inc()
                    logger.info("The store has changed: %s answers now", self.store.best)
            except FruitsError as error:
                refused = version
                logger.warning("The old store goes on: %s", error)
            except Exception as error:  # a file that is being replaced, a bucket that is away
                logger.warning("The old store goes on: %s", error)


def _answer(future: asyncio.Future[list[Answer]], found: Any) -> None:
    if future.cancelled():
        return
    if isinstance(found, BaseException):
        future.set_exception(found)
    else:
        future.set_result(found)
