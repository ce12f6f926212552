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

_TOGETHER = 8  # photos that are classified in one go; later ones wait
_SECONDS_UNTIL_STUCK = 60
_SECONDS_UNTIL_RETRY = 30
_SHORT = 100_000  # bytes: to read them costs less than a new connection


class BusyError(HTTPException):
    """More photos wait, or more bytes, than are allowed.

    Args:
        unread: bytes of the request that may still come. They are read in vain, unless the
            connection is closed.
    """

    def __init__(self, unread: int = 0) -> None:
        headers = {"Retry-After": "1"}
        if unread > _SHORT:
            headers["Connection"] = "close"
        super().__init__(503, "Too many photos wait. Try again.", headers)


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
        self._due: float | None = None
        self._stopped = threading.Event()

    async def predict(self, contents: Sequence[bytes], neighbours: int) -> list[Answer]:
        """An answer for each photo: see :func:`~fruits_kedro.serving.predict.predict`.

        Raises:
            BusyError: too many photos wait.
        """
        if not self._has_room(len(contents)):
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
        """Room for a photo, and in memory for so many bytes; BusyError if there is none."""
        if not self._has_room(1) or self._bytes + length > self.settings.waiting_bytes:
            raise BusyError(length)
        self._bytes += length
        try:
            yield
        finally:
            self._bytes -= length

    def _has_room(self, photos: int) -> bool:
        return self._waiting + photos <= self.settings.queue

    def _count(self, photos: int) -> None:
        self._waiting += photos
        self.metrics.waiting.inc(photos)

    def work(self) -> None:
        """Classify what waits, until :meth:`stop`. In the main thread, where time limits work."""
        while jobs := self._next():
            self._classify([job for job in jobs if not job.future.cancelled()])

    def _next(self) -> list[_Job]:
        """The requests that wait, as many as go together; empty at the end."""
        jobs: list[_Job] = []
        photos = 0
        while photos < _TOGETHER and (not jobs or not self._jobs.empty()):
            if (job := self._jobs.get()) is None:
                if jobs:
                    self._jobs.put(None)  # for the next call
                break
            jobs.append(job)
            photos += len(job.contents)
        return jobs

    def _classify(self, jobs: list[_Job]) -> None:
        contents = [content for job in jobs for content in job.contents]
        neighbours = [job.neighbours for job in jobs for _ in job.contents]
        limits = self.settings.limits
        self._due = time.monotonic() + _SECONDS_UNTIL_STUCK + len(contents) * limits.seconds
        try:
            answers = iter(predict(self.store, contents, limits, neighbours))
            found: list[Any] = [[next(answers) for _ in job.contents] for job in jobs]
        except BaseException as error:
            logger.exception("A request failed")
            found = [RuntimeError(type(error).__name__)]
        self._due = None
        if len(found) < len(jobs):  # one of them is at fault
            for job in jobs:
                self._classify([job])
            return
        for job, answer in zip(jobs, found):
            with suppress(RuntimeError):  # the loop has ended
                job.loop.call_soon_threadsafe(_answer, job.future, answer)

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
            if self._due is not None and time.monotonic() > self._due:
                logger.error("A photo hangs in its decoder: the process ends")
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
