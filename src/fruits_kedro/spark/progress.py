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
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    track,
)

logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")

_POLL_S = 1.0
_LOG_EVERY_S = 15


class ProgressBar:
    """Shows how many photos are done until it is stopped.

    Without a terminal it logs a line every 15 s. It raises nothing, so that it never breaks a run.

    Args:
        what: the work, in words.
        total: number of photos; None: it is not known, and the bar shows only that work goes on.
        done: counts the photos done.
        note: gets the figures every 15 s.
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        done: Callable[[], int] = int,
        note: Callable[[dict[str, Any]], None] = lambda figures: None,
    ) -> None:
        self._what = what
        self._total = total
        self._done = done
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
        columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn()]
        if self._total is None:
            columns.append(TimeElapsedColumn())
        else:
            speed = TextColumn("{task.fields[speed]}")
            columns += [MofNCompleteColumn(), speed, TimeRemainingColumn()]
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(self._what, total=self._total, speed="")
            if self._total is None:
                self._stop.wait()
            else:
                self._follow(bar, task, self._total)

    def _follow(self, bar: Progress, task: TaskID, total: int) -> None:
        started = logged = time.monotonic()
        while not self._stop.wait(_POLL_S):
            try:
                done, now = min(self._done(), total), time.monotonic()
                speed = done / (now - started)
                bar.update(task, completed=done, speed=f"{speed:,.0f} images/s")
                if now - logged > _LOG_EVERY_S:
                    logged = now
                    self._tell(done, total, speed, log=bar.disable)
            except Exception:
                logger.debug("No progress to show", exc_info=True)

    def _tell(self, done: int, total: int, images_per_s: float, log: bool) -> None:
        if log:
            share = 100 * done / max(total, 1)
            counted = f"{done:,} of {total:,} ({share:.0f} %), {images_per_s:,.0f} images/s"
            logger.info("%s: %s", self._what, counted)
        figures = {"what": self._what, "done": done, "total": total}
        written_at = datetime.now(UTC).isoformat()
        self._note({**figures, "images_per_s": images_per_s, "written_at": written_at})


def tracked(what: str, items: Iterable[_Item], total: int) -> Iterator[_Item]:
    """The items, with a progress bar on a terminal while they come."""
    console = get_console()
    disable = not console.is_terminal
    return iter(track(items, what, total, console=console, transient=True, disable=disable))


def photos_of_tasks_done(total: int) -> int:
    """The share of so many photos that the completed tasks of Spark's active stages stand for."""
    tracker = SparkSession.builder.getOrCreate().sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    tasks = sum(stage.numTasks for stage in stages if stage)
    return total * sum(stage.numCompletedTasks for stage in stages if stage) // max(tasks, 1)
