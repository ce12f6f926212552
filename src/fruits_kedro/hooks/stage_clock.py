"""The seconds of each node and stage of a run."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

STAGES = ("ingestion", "extraction", "reduction", "reporting")


class StageClock:
    """Seconds of each node, from its first load to its last save, and of each stage."""

    def __init__(self) -> None:
        self.nodes: dict[str, float] = defaultdict(float)
        self._stage_of: dict[str, str] = {}
        self._started = time.perf_counter()
        self._mark: tuple[str, float] | None = None

    def touch(self, node: Any) -> None:
        """Add the time since the last call to this node, if the last call was its own."""
        now = time.perf_counter()
        self._stage_of[node.name] = node.namespace
        if self._mark is not None and self._mark[0] == node.name:
            self.nodes[node.name] += now - self._mark[1]
        self._mark = (node.name, now)

    @property
    def total(self) -> float:
        """Seconds since the clock was made."""
        return time.perf_counter() - self._started

    def stages(self, images: int, extracted: int) -> dict[str, dict[str, float]]:
        """``seconds`` and ``images_per_s`` of each stage that ran, in order.

        Args:
            images: photos of the run.
            extracted: photos extracted by the run itself, without those of earlier runs.
        """
        seconds: dict[str, float] = defaultdict(float)
        for node, share in self.nodes.items():
            seconds[self._stage_of[node]] += share
        found = {}
        for stage in filter(seconds.get, STAGES):
            speed = (extracted if stage == "extraction" else images) / seconds[stage]
            found[stage] = {"seconds": round(seconds[stage], 3), "images_per_s": round(speed, 1)}
        return found
