"""What an extraction has to do, in the words of the store: photos by what is known of them."""

from __future__ import annotations

# What became of a photo earlier, from the least to the most that is known of it.
STATUSES = ("gone", "new", "changed", "other_backbone", "failed_before", "done")


def count_pending(extraction_plan: dict[str, int]) -> int:
    """How many photos a plan is to extract.

    Args:
        extraction_plan: the number of photos of each of ``STATUSES``.
    """
    return sum(n for state, n in extraction_plan.items() if state not in ("done", "gone"))
