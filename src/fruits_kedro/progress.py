"""A progress bar for the one long job: rows that came back from the Python workers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession
from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

_POLL_S = 1.0  # as often as executors in local mode send their figures
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
            return sum(self._rows_of(execution) for execution in self._executions())
        except Exception:  # what shows a run must never break it
            logger.debug("No progress to show", exc_info=True)
            return 0

    def _executions(self) -> list[Any]:
        new = self._store.executionsCount() - self._first
        found = self._store.executionsList(self._first, new) if new > 0 else None
        return [found.apply(i) for i in range(found.size())] if found is not None else []

    def _rows_of(self, execution: Any) -> int:
        values = self._store.executionMetrics(execution.executionId())
        nodes = self._store.planGraph(execution.executionId()).allNodes()
        python = [nodes.apply(i) for i in range(nodes.size()) if "InArrow" in nodes.apply(i).name()]
        return max((_output_rows(node.metrics(), values) for node in python), default=0)


def _output_rows(metrics: Any, values: Any) -> int:
    for i in range(metrics.size()):
        if metrics.apply(i).name() == "number of output rows":
            value = values.get(metrics.apply(i).accumulatorId())
            return int(value.get().replace(",", "")) if value.isDefined() else 0
    return 0
