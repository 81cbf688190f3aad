"""What is counted of requests that grow old: of one like the last, next to nothing is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from tracer.model import Birth
from tracer.recorder.trace import Trace, What

Marks = tuple[int, ...]
"""Of each birth when it ended, negative if the collector ended it; 0 if nothing did yet."""
Kind = tuple[
    list[str], list[type], list[What], list[Any], int, Callable[[Marks], None], list[int]
]  # fmt: skip
"""What the newest request to a view was like, and where it was counted: (kinds and classes of what
it built, what its stages were, what it saw, its thread, what takes its marks, its use)."""


class Tally:
    """How many requests built the same, and how many used the same."""

    def __init__(self) -> None:
        self.built: dict[tuple[Any, ...], list[Marks]] = {}
        """(kinds, classes) to how what they built ended."""
        self.used: dict[tuple[int, tuple[Any, ...]], list[int]] = {}
        """(thread, marks older than the request) to [how many, the newest's number]."""
        self.known: dict[Any, Kind] = {}
        """What each view's newest request was like."""
        self.stayed: list[tuple[Birth, int]] = []
        """What they built and is there still, with their numbers."""
        self.served = 0
        self.first = (0, 0, 0)
        """Number, end and thread of the first of them."""
        self.begins: deque[tuple[int, int]] = deque(maxlen=_BEGINS)

    def like_the_last(self, trace: Trace) -> bool:
        """Count one that is over and in all like the last one to its view, as most are.

        Returns whether it is: to tell this must take next to nothing.
        """
        known = self.known.get(trace.view)
        if known is None or not trace.single:
            return False
        kinds, classes, whats, seen, thread, count, use = known
        births = trace.births
        # Slices and comparisons are done in C; of most requests, nothing else is.
        if (
            trace.seen != seen
            or trace.events[2::3] != whats
            or births[2::5] != kinds
            or births[3::5] != classes
            or trace.thread != thread
        ):
            return False
        marks = tuple(births[::5])
        try:
            sum(marks)
        except TypeError:  # one is there still, or only its owner can end it
            return False
        count(marks)
        self.served += 1
        number = trace.number
        self.begins.append((trace.begun, number))
        use[0] += 1
        if number > use[1]:
            use[1] = number
        return True

    def add(self, trace: Trace, marks: Marks) -> None:
        """Count one."""
        births, thread, whats = trace.births, trace.thread, trace.events[2::3]
        kinds, classes = births[2::5], births[3::5]
        ended = self.built.setdefault((tuple(kinds), tuple(classes)), [])
        older = _older(trace, whats)
        use = self.used.setdefault((thread, older), [0, 0])
        if trace.single and len(older) == sum(map(bool, [*map(_TOKEN, whats), *trace.seen])):
            # To another that uses the same, what this one has built itself would be older. And a
            # copy of what it saw: what the trace has is given back.
            seen, count = trace.seen[:], ended.append
            self.known[trace.view] = kinds, classes, whats, seen, thread, count, use
        if not self.served:
            self.first = trace.number, trace.closed, thread
        self.served += 1
        if not self.begins or trace.number > self.begins[-1][1]:
            # Those that could wait no longer come last, and are the oldest.
            self.begins.append((trace.begun, trace.number))
        ended.append(marks)
        use[0] += 1
        use[1] = max(use[1], trace.number)


def _older(trace: Trace, whats: list[What]) -> tuple[Any, ...]:
    """What it used and did not build itself: of that there is no use by others to tell."""
    own = trace.first
    marks = [*map(_TOKEN, whats), *trace.seen]
    if trace.far:
        marks += [(what[1], thread) for thread, _, _, what in trace.far if what[1]]
    if trace.single:
        return tuple([mark for mark in marks if mark and mark < own])
    return tuple([mark for mark in marks if mark and _token(mark) < own])


_TOKEN = itemgetter(1)
"""Of what a stage is: the object that took part."""
_BEGINS = 4
"""How many of a batch's beginnings are told: enough to say which request a death came after."""


def _token(mark: int | tuple[int, int]) -> int:
    return mark if isinstance(mark, int) else mark[0]
