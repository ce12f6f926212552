"""What a service of EMR does for ``kedro emr``, whether a cluster or EMR Serverless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

TAG = "fruits-kedro:cluster"
PACKAGE_TAG = "fruits-kedro:package"
USER_TAG = "fruits-kedro:user"


@dataclass(frozen=True)
class Place:
    """A cluster or an application.

    Attributes:
        state: AWS' word.
        created: when.
        user: who created it; empty if it has no such tag.
        package: id of the package that its nodes have; None where each run names its own.
    """

    id: str
    state: str
    created: datetime
    user: str = ""
    package: str | None = None

    def __str__(self) -> str:
        when = self.created.astimezone().isoformat(" ", "minutes")
        return f"{self.id} ({self.state}), of {self.user or 'unknown'}, since {when}"


@dataclass(frozen=True)
class RunState:
    """A run as AWS sees it.

    Attributes:
        name: AWS' word.
        is_running: it may write its progress.
        is_over: it has ended, well or not, or what it ran on has gone.
        is_good: it has ended well.
        reason: why it has failed; may be empty.
    """

    name: str
    is_running: bool = False
    is_over: bool = False
    is_good: bool = False
    reason: str = ""
