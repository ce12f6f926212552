"""Figures of the service for Prometheus, of all its processes together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What is counted: by all processes, if ``FOLDER`` names a folder before the first count."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "fruits_requests_total", "Requests", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "fruits_request_seconds",
            "Seconds to answer",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.photos = Counter(
            "fruits_photos_total", "Photos that were classified", registry=registry
        )
        self.rejected = Counter(
            "fruits_rejected_total",
            "Photos that cannot be used",
            ["stage", "reason"],
            registry=registry,
        )
        self.waiting = Gauge(
            "fruits_photos_waiting",
            "Photos that wait or are being classified",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.loads = Counter(
            "fruits_store_loads_total", "Stores that were loaded", registry=registry
        )

    def count(self, answers: Iterable[dict[str, Any]]) -> None:
        """Count photos that were classified, and those that cannot be used."""
        for one in answers:
            if error := one.get("error"):
                self.rejected.labels(error["stage"], error["reason"]).inc()
            else:
                self.photos.inc()

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)
        return generate_latest(every)
