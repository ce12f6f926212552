"""A progress bar for long work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from pyspark.sql import SparkSession
from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")

_POLL_S = 1.0
_LOG_EVERY_S = 15


class ProgressBar:
    """Shows how many photos are done until it is stopped.

    Without a terminal it logs a line every 15 s. It raises nothing, so that it never breaks a run.

    Args:
        done: counts the photos done.
        what: the work, in words.
        note: gets the figures every 15 s.
    """

    def __init__(
        self,
        done: Callable[[], int],
        total: int,
        what: str,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        self._done = done
        self._total = total
        self._what = what
        self._note = note
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start watching, in a thread."""
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
                try:
                    done, now = min(self._done(), self._total), time.monotonic()
                    speed = done / (now - started)
                    bar.update(task, completed=done, speed=f"{speed:,.0f} images/s")
                    if now - logged > _LOG_EVERY_S:
                        logged = now
                        self._tell(done, speed, log=bar.disable)
                except Exception:
                    logger.debug("No progress to show", exc_info=True)

    def _tell(self, done: int, images_per_s: float, log: bool) -> None:
        if log:
            share = 100 * done / max(self._total, 1)
            counted = f"{done:,} of {self._total:,} ({share:.0f} %), {images_per_s:,.0f} images/s"
            logger.info("%s: %s", self._what, counted)
        figures = {"what": self._what, "done": done, "total": self._total}
        written_at = datetime.now(UTC).isoformat()
        self._note({**figures, "images_per_s": images_per_s, "written_at": written_at})


def tracked(what: str, items: Iterable[_Item], total: int) -> Iterator[_Item]:
    """The items, with a progress bar on a terminal while they come."""
    console = get_console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    disable = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        yield from bar.track(items, total, description=what)


def share_of_tasks_done(spark: SparkSession) -> float:
    """The share (0 to 1) of completed tasks of the active stages."""
    tracker = spark.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    tasks = sum(stage.numTasks for stage in stages if stage)
    return sum(stage.numCompletedTasks for stage in stages if stage) / max(tasks, 1)
