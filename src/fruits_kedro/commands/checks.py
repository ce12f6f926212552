"""Checks that all run, whether or not earlier ones failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fruits_kedro.errors import NotAllowedError, summarize


def run_checks(checks: Mapping[str, Callable[[], str]]) -> dict[str, Any]:
    """A command's result: ``checks``, a row for each by its name, and whether any ``failed``.

    A check returns what it found, or raises what is wrong and its remedy. Any other error, such as
    one of Spark over a damaged file, also fails its check in a few words. What a login may not ask
    is ``unknown``.
    """
    rows = []
    for name, check in checks.items():
        try:
            outcome, found = "ok", check()
        except NotAllowedError as error:
            outcome, found = "unknown", str(error)
        except Exception as error:
            outcome, found = "FAILED", summarize(error)
        rows.append({"check": name, "": outcome, "found": found})
    return {"checks": rows, "failed": any(row[""] == "FAILED" for row in rows)}
