"""Status of each photo compared with earlier runs: new, changed, done …"""

from __future__ import annotations

# Ordered: of several statuses of a photo, the last one counts. The last one is of photos outside
# the subset, whose features stay.
STATUSES = ("gone", "new", "changed", "other_backbone", "failed_before", "done", "kept")
_AT_REST = ("gone", "done", "kept")


def count_pending(extraction_plan: dict[str, int]) -> int:
    """Number of photos to extract, from the number of photos of each of ``STATUSES``."""
    return sum(n for state, n in extraction_plan.items() if state not in _AT_REST)
