"""Fingerprints keep the features of different backbones apart."""

from __future__ import annotations

from collections.abc import Collection

from fruits_kedro.errors import FruitsError


def fingerprint(name: str, input_size: int, precision: str, weights_sha256: str) -> str:
    """A name for all that decides the features: ``mobilenetv2-224-f32-64f0589cc653f9de``."""
    return f"{name}-{input_size}-{precision}-{weights_sha256[:16]}"


def check_one_backbone(fingerprints: Collection[str]) -> None:
    """Raise FruitsError if features come from more than one backbone."""
    if len(fingerprints) > 1:
        raise FruitsError(
            f"The features of several backbones are mixed: {', '.join(sorted(fingerprints))}.\n"
            "Extract all photos again (kedro run --params extraction.incremental=false), or give "
            "another store (--params store=…)."
        )
