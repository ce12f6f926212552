"""Features of two backbones have nothing in common: they must not meet."""

from __future__ import annotations

from collections.abc import Collection

from fruits_kedro.errors import FruitsError


def check_one_backbone(fingerprints: Collection[str]) -> None:
    """Raise FruitsError if features come from more than one backbone."""
    if len(fingerprints) > 1:
        raise FruitsError(
            f"The features of several backbones are mixed: {', '.join(sorted(fingerprints))}.\n"
            "Run the extraction again for all photos, or give another store: --params store=…"
        )
