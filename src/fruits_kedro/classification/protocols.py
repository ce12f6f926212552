"""Which photos a classifier is tried on: those of a split, or those of varieties it never saw."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT = "in_distribution", "leave_one_variety_out"
PROTOCOLS = (IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT)
REASON = (
    "Fruits-360's Training and Test show the same physical fruits, turned: only varieties that "
    "were never trained on tell what a new fruit will meet."
)
NEVER = -1


def fruits_of(labels: Iterable[str], pattern: str) -> dict[str, str]:
    """The fruit of each label: what a pattern finds in it.

    Args:
        labels: such as ``Apple 1`` or ``Cherry Wax Red 2``.
        pattern: a regular expression; its first group counts, else all of its match. A label
            without a match is a fruit of its own.
    """
    found = {}
    for label in labels:
        match = re.search(pattern, label)
        groups = [*match.groups()[:1], match[0]] if match else []
        found[label] = next(filter(None, groups), label)
    return found


def variety_folds(
    fruits: Mapping[str, str], folds: int, seed: int, shared: Iterable[tuple[str, str]] = ()
) -> dict[str, int]:
    """The fold in which each variety is held out, in turn within each fruit.

    A fruit of one variety is never held out (``-1``): nothing would be left to know it by.

    Args:
        fruits: by label.
        folds: how many.
        seed: of the order within a fruit, and of the fold that it starts with.
        shared: pairs of labels that have photos in common: of one fruit, they count as one variety.
    """
    variety = {label: label for label in sorted(fruits)}
    for one, other in sorted(shared):
        if {one, other} <= fruits.keys() and fruits[one] == fruits[other]:
            kept, gone = sorted((variety[one], variety[other]))
            variety = {label: kept if v == gone else v for label, v in variety.items()}
    fold = {}
    for fruit in sorted(set(fruits.values())):
        varieties = sorted({v for v in variety.values() if fruits[v] == fruit}, key=_hash(seed))
        first = int(_hash(seed)(fruit), 16)
        for place, one in enumerate(varieties):
            fold[one] = NEVER if len(varieties) == 1 else (first + place) % folds
    return {label: fold[variety[label]] for label in fruits}


def _hash(seed: int):  # type: ignore[no-untyped-def]
    return lambda text: hashlib.sha1(f"{seed} {text}".encode()).hexdigest()
