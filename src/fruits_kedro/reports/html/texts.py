"""The words of the pages, in one file for each language."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any, Literal

import yaml
from markupsafe import Markup

Language = Literal["en", "fr"]
_NARROW_SPACE = "\u202f"


class Texts:
    """Texts and numbers in a language.

    ``texts("map.title")`` is a text of ``texts/<language>.yml``, ``texts("photos", n=3)`` one with
    a number. Texts may hold HTML; what is put into them is escaped.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = yaml.safe_load(
            (files(__package__) / "texts" / f"{language}.yml").read_text("utf-8")
        )

    def __call__(self, key: str, **values: Any) -> Markup:
        """The text of a key, such as ``map.title``, with values in it.

        A text of ``one`` and ``many`` is chosen by the value ``n``. Numbers are written as the
        language does.
        """
        text: Any = self._texts
        for part in key.split("."):
            text = text[part]
        if isinstance(text, dict):
            few = values["n"] == 1 or (self.language == "fr" and values["n"] == 0)
            text = text["one" if few else "many"]
        shown = {
            name: self.number(value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return Markup(text).format(**shown)

    def group(self, name: str) -> dict[str, str]:
        """All texts of a group: those of the scripts."""
        return dict(self._texts[name])

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many decimals."""
        text = f"{value:,.{digits}f}"
        if self.language == "fr":
            text = text.replace(",", _NARROW_SPACE).replace(".", ",")
        return text

    def percent(self, share: float, digits: int = 0) -> str:
        """A share as a percentage."""
        tens = 10.0**digits
        text = self.number(math.floor(100 * share * tens + 0.5) / tens, digits)
        return f"{text}{_NARROW_SPACE}%" if self.language == "fr" else f"{text}%"
