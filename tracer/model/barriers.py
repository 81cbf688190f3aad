"""Full collections: what is alive after one does not merely wait for one."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from tracer.model.facts import Barrier
from tracer.model.objects import TrackedObject

MOST: Final = 100
"""Barriers that are remembered where requests are forgotten, the newest ones."""


class Barriers:
    """The full collections of a process, in order."""

    def __init__(self, is_bounded: bool) -> None:
        self.passed: list[Barrier] = []
        self._is_bounded = is_bounded

    def add(self, barrier: Barrier) -> None:
        """Takes in a full collection."""
        self.passed.append(barrier)
        if self._is_bounded:
            del self.passed[:-MOST]

    def survived(self, known: TrackedObject) -> bool:
        """Whether a full collection found an object alive after its request had closed."""
        first = bisect_left(self.passed, known.closed, key=lambda each: each.begun or each.at)
        if first == len(self.passed):
            return False
        return known.death is None or known.death.at > self.passed[first].at
