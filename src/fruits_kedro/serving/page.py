"""The page of the service: a photo in, its label out."""

from __future__ import annotations

from functools import cache
from typing import Any

from fruits_kedro.reports.html.render import render
from fruits_kedro.reports.html.texts import Language, Texts


@cache
def page(language: Language, most_bytes: int) -> str:
    """The page as HTML, which asks nobody but this service.

    Args:
        most_bytes: of a photo.
    """
    t = Texts(language)
    words: dict[str, Any] = t.group("serve_words")
    return render(
        "serve.html",
        t,
        scripts=("serve.js", "camera.js"),
        connects=True,
        title=t("serve.title"),
        words=words | {"reasons": t.group("reasons")},
        most_bytes=most_bytes,
    )
