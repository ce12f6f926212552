"""Split and label of a photo from the folders that it lies in."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

LabelFrom = Literal["parent", "top", "path"]
_WHICH = {"parent": "the innermost one", "top": "the outermost one", "path": "all of them"}

_SYNONYMS = {
    "Training": ("training", "train"),
    "Validation": ("validation", "valid", "val", "dev"),
    "Test": ("test", "testing"),
}
_SPLIT_OF = {name: split for split, names in _SYNONYMS.items() for name in names}
_LOOKS_LIKE_SPLIT = re.compile(rf"({'|'.join(_SPLIT_OF)})[\W\d_]", re.IGNORECASE)


def split_and_label(folder: str, label_from: LabelFrom = "parent") -> tuple[str, str | None]:
    """The split and the label of the photos directly in a folder.

    Args:
        folder: relative to the root, with ``/``.
        label_from: the label is the innermost folder that is no split (``parent``), the outermost
            (``top``), or all of them with ``/`` between (``path``).

    Returns:
        The split that the nearest folder names, else ``Training``; the label, or None.
    """
    names = folders_of(folder)
    splits = [_SPLIT_OF[name.lower()] for name in folder.split("/") if name.lower() in _SPLIT_OF]
    split = splits[-1] if splits else "Training"
    if not names:
        return split, None
    return split, {"parent": names[-1], "top": names[0], "path": "/".join(names)}[label_from]


def folders_of(folder: str) -> list[str]:
    """The folders of a path that are no splits, from the outermost to the innermost."""
    return [name for name in folder.split("/") if name and name.lower() not in _SPLIT_OF]


def warnings_of(
    folders: Iterable[str], labels: Iterable[str], label_from: LabelFrom = "parent"
) -> list[str]:
    """What a user would want to know about folders and labels, a sentence each.

    Args:
        folders: that photos lie in directly, relative to the root.
        labels: of all photos.
        label_from: the setting.
    """
    folders, found = list(folders), []
    names = {name for folder in folders for name in folder.split("/")}
    if looks := sorted(name for name in names if _LOOKS_LIKE_SPLIT.match(name)):
        found.append(
            f"These folders look like a split and are none: {_some(looks)}. A split is called "
            f"{', '.join(sorted(_SPLIT_OF))}, in any case; all else is a label."
        )
    if bare := sorted(folder for folder in folders if folder and not folders_of(folder)):
        found.append(
            f"Photos directly in {_some(bare)} have no label: they lie in no other folder."
        )
    if nested := sorted(folder for folder in folders if len(folders_of(folder)) > 1):
        others = [f"label_from={k} takes {v}" for k, v in _WHICH.items() if k != label_from]
        found.append(
            f"Folders are nested, such as {nested[0]!r}: the label is {_WHICH[label_from]}. "
            f"{', '.join(others)}."
        )
    found += [f"These labels look alike and are not the same: {_some(a)}." for a in _alike(labels)]
    return found


def _alike(labels: Iterable[str]) -> list[list[str]]:
    by_look = defaultdict(set)
    for label in labels:
        look = unicodedata.normalize("NFKC", label).casefold()
        by_look[" ".join(look.split())].add(label)
    return [sorted(some) for _, some in sorted(by_look.items()) if len(some) > 1]


def _some(names: list[str]) -> str:
    more = ", …" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
