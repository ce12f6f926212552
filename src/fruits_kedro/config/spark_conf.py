"""Spark's settings as text."""

from __future__ import annotations

from typing import Any


def setting_text(value: Any) -> str:
    """A setting as Spark writes it: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
