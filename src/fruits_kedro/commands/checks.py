"""Checks that are all made, whatever becomes of the ones before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fruits_kedro.errors import summarize


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
        name: of the check.
        passed: whether all is well.
        found: what was found, or what is wrong and how to mend it.
    """

    name: str
    passed: bool
    found: str

    def row(self) -> dict[str, str]:
        """As a row of a table."""
        return {"check": self.name, "": "ok" if self.passed else "FAILED", "found": self.found}


def run_checks(checks: Mapping[str, Callable[[], str]]) -> Iterator[CheckResult]:
    """Make each check: it returns what it found, or raises what is wrong.

    An error that no check has foreseen, of Spark over a damaged file for example, fails that check
    in a few words.
    """
    for name, check in checks.items():
        try:
            yield CheckResult(name, True, check())
        except Exception as error:
            yield CheckResult(name, False, summarize(error))


def as_result(checks: Iterable[CheckResult]) -> dict[str, Any]:
    """Checks as a command's result: their rows, and whether any of them failed."""
    made = list(checks)
    return {"checks": [c.row() for c in made], "failed": not all(c.passed for c in made)}
