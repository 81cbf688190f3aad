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
    bool, list[str], list[type], list[What], list[int], int, Callable[[Marks], None], list[int]
]  # fmt: skip
"""What the newest request to a view was like, and where it was counted: (whether it used what it
built itself, kinds and classes of that, what its stages were, what it saw, its thread, what takes
its marks, its use)."""

OWN = -1
"""Stands for the token of whatever a request built itself: to another, the same would be older."""


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

    def alike(self, trace: Trace) -> Kind | None:
        """Return what the last request to its view was like, if this is like it in all.

        Most are, so to tell this must take next to nothing.
        """
        known = self.known.get(trace.view)
        if known is None or not trace.single:
            return None
        owns, kinds, classes, whats, seen, thread, _, _ = known
        births = trace.births
        if owns:
            if _relative(trace) != (whats, seen):
                return None
        # Slices and comparisons are done in C.
        elif trace.seen != seen or trace.events[2::3] != whats:
            return None
        if births[2::5] != kinds or births[3::5] != classes or trace.thread != thread:
            return None
        return known

    def add(self, trace: Trace, marks: Marks, alike: Kind | None = None) -> None:
        """Count one; `alike` as told of it."""
        kind = alike or self._meet(trace)
        _, _, _, _, _, _, count, use = kind
        count(marks)
        number = trace.number
        use[0] += 1
        if number > use[1]:
            use[1] = number
        if not self.served:
            self.first = number, trace.closed, trace.thread
        self.served += 1
        begins = self.begins
        if not begins or number > begins[-1][1]:
            # Those that could wait no longer come last, and are the oldest.
            begins.append((trace.begun, number))

    def _meet(self, trace: Trace) -> Kind:
        """Return what a request is like, and remember it."""
        births, thread, whats = trace.births, trace.thread, trace.events[2::3]
        kinds, classes = births[2::5], births[3::5]
        ended = self.built.setdefault((tuple(kinds), tuple(classes)), [])
        use = self.used.setdefault((thread, _older(trace, whats)), [0, 0])
        if not trace.single:
            return False, kinds, classes, whats, [], thread, ended.append, use
        told, seen = _relative(trace)
        owns = (told, seen) != (whats, trace.seen)
        kind = owns, kinds, classes, told, seen, thread, ended.append, use
        self.known[trace.view] = kind
        return kind


def _relative(trace: Trace) -> tuple[list[What], list[int]]:
    """What its stages were and what it saw, without the numbers of what it built itself."""
    own = trace.first
    return (
        [
            what if what[1] is None or what[1] < own else (what[0], OWN, *what[2:])
            for what in trace.events[2::3]
        ],
        [mark if mark < own else OWN for mark in trace.seen],
    )


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
