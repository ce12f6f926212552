"""Status of each photo compared with earlier runs: new, changed, done …"""

from __future__ import annotations

# Ordered: of several statuses of a photo, the last one counts.
STATUSES = ("gone", "new", "changed", "other_backbone", "failed_before", "done")


def count_pending(extraction_plan: dict[str, int]) -> int:
    """Number of photos to extract, from the number of photos of each of ``STATUSES``."""
    return sum(n for state, n in extraction_plan.items() if state not in ("done", "gone"))
