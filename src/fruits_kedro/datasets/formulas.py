"""Text in tables that spreadsheets open: what looks like a formula is shown, not calculated.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

# An apostrophe in front makes text of it; text that begins with one gets another.
STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def shield(text: str) -> str:
    """The text as it stands in a table: ``'=1+1`` for ``=1+1``, ``''a`` for ``'a``."""
    return f"'{text}" if text.startswith(STARTS) else text


def unshield(text: str) -> str:
    """The text that :func:`shield` has made this of."""
    return text.removeprefix("'")
