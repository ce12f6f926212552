"""Which task extracts which photos: large tasks first, small ones last; cores end together."""

from __future__ import annotations

import math
from dataclasses import dataclass

_IMAGES_A_TASK = 2048
_STRETCHES = 8  # of neighbours by path in a task: of 256 photos at most, as a checkpoint's file
_LAST_A_CORE = 2  # stretches
_SMALL_A_STRETCH = 4  # tasks: of 64 photos, half a second


@dataclass(frozen=True)
class TaskLayout:
    """Photos parted into tasks by their place in the order of paths, in stretches of neighbours.

    Attributes:
        stretch: how many photos are kept together.
        large: how many tasks of many stretches; they have the lowest numbers, and so start first.
        small: how many tasks of a quarter of a stretch.
        stretches: of all tasks together.
    """

    stretch: int
    large: int
    small: int
    stretches: int

    @classmethod
    def of(cls, images: int, cores: int) -> TaskLayout:
        """Lay out tasks.

        Cores are never equally fast: where each gets more than one task, eight small ones a core
        come last, for whichever core is free first.

        Args:
            images: how many photos.
            cores: that work at the same time.
        """
        whole = count_tasks(images, cores)
        stretch = max(1, math.ceil(images / (whole * _STRETCHES)))
        stretches = max(1, math.ceil(images / stretch))
        last = _LAST_A_CORE * cores if whole > cores else 0
        large = whole_rounds(math.ceil((stretches - last) / _STRETCHES), cores, images)
        return cls(stretch, large, _SMALL_A_STRETCH * last, stretches)

    @property
    def tasks(self) -> int:
        """How many there are."""
        return self.large + self.small

    def task_of(self, position: str) -> str:
        """SQL for the number of a photo's task, from 0.

        Large tasks take turns, so that none gets all the photos of a class of large ones. Where
        only some photos are to be extracted, stretches come round again.

        Args:
            position: SQL for the photo's place in the order of all paths, from 0.
        """
        number = f"({position} div {self.stretch} % {self.stretches})"
        of_large = self.stretches - self.small // _SMALL_A_STRETCH
        quarter = f"{position} % {self.stretch} * {_SMALL_A_STRETCH} div {self.stretch}"
        last = f"{self.large} + ({number} - {of_large}) * {_SMALL_A_STRETCH} + {quarter}"
        return f"if({number} < {of_large}, {number} % {self.large}, {last})"


def count_tasks(images: int, cores: int) -> int:
    """How many tasks of equal size: whole rounds over the cores of at most 2,048 photos each.

    What an executor that goes takes with it is what its tasks were at.
    """
    return whole_rounds(math.ceil(images / _IMAGES_A_TASK), cores, images)


def whole_rounds(parts: int, cores: int, images: int) -> int:
    """The next number of parts that keeps all cores busy to the end; no part is empty."""
    return max(1, min(images, cores * max(1, math.ceil(parts / cores))))
