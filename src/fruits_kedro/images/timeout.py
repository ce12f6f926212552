"""A limit of time for one photo."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimitError(BaseException):
    """Time is up. No ``Exception``: a decoder's own handling of errors must not swallow it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the block after a while.

    It takes effect between two steps of Python code: Pillow decodes a file in blocks of 64 kB.
    Without effect outside the main thread, and where there are no POSIX signals (Windows).

    Raises:
        TimeLimitError: the block took longer.
    """
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise TimeLimitError
