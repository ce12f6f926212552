"""Text in tables that spreadsheets open: what looks like a formula is shown, not calculated.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations


def shield(text: str) -> str:
    """The text as it stands in a table: ``'=1+1`` for ``=1+1``, ``''a`` for ``'a``."""
    return f"'{text}" if text[:1] and text[0] in "=+-@\t\r'" else text


def unshield(text: str) -> str:
    """The text that :func:`shield` has made this of."""
    return text.removeprefix("'")
