"""A progress bar for the one long job: rows that came back from the Python workers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession
from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

_POLL_S = 2.0  # as often as executors in local mode send their figures
_LOG_EVERY_S = 15


class RowProgress:
    """Shows how many rows a Spark query has received from its Python workers.

    Reads the query's own live metrics, which executors send with their heartbeats: it costs the
    workers nothing, and works on a cluster as on a laptop. Where there is no terminal it logs a
    line now and then, and notes the figures in the store for who watches from afar.
    """

    def __init__(
        self,
        spark: SparkSession,
        total: int,
        what: str,
        note: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._store = spark._jsparkSession.sharedState().statusStore()
        self._first = self._store.executionsCount()
        self._followed: tuple[int, int] | None = None
        self._total = total
        self._what = what
        self._note = note
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start watching, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and close the bar."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        console = get_console()
        columns = [
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        ]
        started = logged = time.monotonic()
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(self._what, total=self._total, speed="")
            while not self._stop.wait(_POLL_S):
                done, now = self._rows(), time.monotonic()
                speed = f"{done / (now - started):,.0f} images/s"
                bar.update(task, completed=done, speed=speed)
                if now - logged > _LOG_EVERY_S:
                    logged = now
                    self._tell(done, done / (now - started), log=bar.disable)

    def _tell(self, done: int, images_per_s: float, log: bool) -> None:
        if log:
            logger.info(
                "%s: %s of %s (%.0f %%), %.0f images/s",
                self._what,
                f"{done:,}",
                f"{self._total:,}",
                100 * done / max(self._total, 1),
                images_per_s,
            )
        if self._note is not None:
            figures = {"what": self._what, "done": done, "total": self._total}
            written_at = datetime.now(UTC).isoformat()
            try:
                self._note({**figures, "images_per_s": images_per_s, "written_at": written_at})
            except Exception:  # as above
                logger.debug("The progress could not be noted", exc_info=True)

    def _rows(self) -> int:
        try:
            if self._followed is None:
                self._followed = self._find()
            return _count(self._store, *self._followed) if self._followed is not None else 0
        except Exception:  # what shows a run must never break it
            logger.debug("No progress to show", exc_info=True)
            return 0

    def _find(self) -> tuple[int, int] | None:
        """The query and the metric to follow, once there are rows. A dozen calls into the JVM for
        each node of a plan: not to be made each time."""
        new = self._store.executionsCount() - self._first
        for query in _all(self._store.executionsList(self._first, new)) if new > 0 else ():
            number = query.executionId()
            nodes = _all(self._store.planGraph(number).allNodes())
            metrics = (
                x for node in nodes if "InArrow" in node.name() for x in _all(node.metrics())
            )
            for metric in metrics:
                accumulator = metric.accumulatorId()
                # A plan is laid out anew as stages end: what counts has a value.
                if metric.name() == "number of output rows" and (
                    _count(self._store, number, accumulator)
                ):
                    return number, accumulator
        return None


def _all(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(i) for i in range(sequence.size()))


def _count(store: Any, query: int, accumulator: int) -> int:
    value = store.executionMetrics(query).get(accumulator)
    return int(value.get().replace(",", "")) if value.isDefined() else 0
