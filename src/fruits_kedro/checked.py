"""Checks that are all made, whatever becomes of the ones before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fruits_kedro.errors import FruitsError


@dataclass(frozen=True)
class Checked:
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


def make_checks(checks: Mapping[str, Callable[[], str]]) -> Iterator[Checked]:
    """Make each check: it returns what it found, or raises FruitsError."""
    for name, check in checks.items():
        try:
            yield Checked(name, True, check())
        except FruitsError as error:
            yield Checked(name, False, str(error))
