"""Checks that all run, whether or not earlier ones failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fruits_kedro.errors import summarize


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check; ``found`` says what was found, or what is wrong and its remedy."""

    name: str
    passed: bool
    found: str

    def row(self) -> dict[str, str]:
        """The check as a row of a table."""
        return {"check": self.name, "": "ok" if self.passed else "FAILED", "found": self.found}


def run_checks(checks: Mapping[str, Callable[[], str]]) -> Iterator[CheckResult]:
    """The result of each check: a check returns what it found, or raises what is wrong.

    Any other error, such as one of Spark over a damaged file, also fails its check in a few words.
    """
    for name, check in checks.items():
        try:
            yield CheckResult(name, True, check())
        except Exception as error:
            yield CheckResult(name, False, summarize(error))


def as_result(checks: Iterable[CheckResult]) -> dict[str, Any]:
    """A command's result: the rows of the checks, and whether any failed."""
    made = list(checks)
    return {"checks": [c.row() for c in made], "failed": not all(c.passed for c in made)}
