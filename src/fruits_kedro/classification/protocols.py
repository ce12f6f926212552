"""The two test protocols: the photos of a split, or those of varieties left out of training."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT = "in_distribution", "leave_one_variety_out"
PROTOCOLS = (IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT)
_NEW_FRUITS = "only varieties that were never trained on tell what a new fruit will meet."
TURNED = f"Fruits-360's Training and Test show the same physical fruits, turned: {_NEW_FRUITS}"
_FRUITS_360 = re.compile(r"(r\d*_)?\d+_100\.jpe?g")
FOLDER = "folder"  # the fruit is the outermost folder, not a part of the label
NEVER = -1
PCA = "pca_features"
TOP = 3
BASELINES = ("majority_class", "nearest_centroid")


def reason_of(paths: Sequence[str]) -> str:
    """Why there are two protocols, for the photos at hand.

    Args:
        paths: of the Test photos. Those of Fruits-360 have names such as ``r0_12_100.jpg``.
    """
    named = sum(bool(_FRUITS_360.fullmatch(path.rpartition("/")[2])) for path in paths)
    if named >= 0.9 * len(paths):
        return TURNED
    return f"Training and Test may show the same fruits: {_NEW_FRUITS}"


def fruits_of(labels: Iterable[str], pattern: str) -> dict[str, str]:
    """The fruit of each label, such as ``Apple`` of ``Apple 1``.

    The fruit is the first group of the regular expression, else its whole match, else the label.
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
    """The fold in which each variety is left out of training: group k-fold, stratified by fruit.

    With as many folds as a fruit has varieties it is leave-one-variety-out. A fruit with one
    variety is never left out (``-1``), because nothing would be left to learn it from. Where fewer
    than two fruits have two varieties none is: telling a fruit from itself measures nothing.

    Args:
        fruits: by label.
        seed: of the order within a fruit and of its first fold.
        shared: pairs of labels with photos in common; within one fruit they count as one variety.
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
    left_out = {fruits[one] for one, at in fold.items() if at != NEVER}
    return {label: fold[variety[label]] if len(left_out) > 1 else NEVER for label in fruits}


def _hash(seed: int):  # type: ignore[no-untyped-def]
    return lambda text: hashlib.sha1(f"{seed} {text}".encode()).hexdigest()
