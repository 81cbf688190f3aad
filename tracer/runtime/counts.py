"""Counts of older requests: what they built, how that ended, and which older objects they used.

Requests that were alike are counted together: their traces are joined, so that a few slices and
comparisons, which Python does in C, answer for all. What is not alike is counted one by one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from tracer.model import Birth
from tracer.model.recorded import Trace, What, likeness

Survivor = tuple[Birth, int, str, str]
"""(birth, number and page of its request, the module that built it while it was imported or "")."""


class Built:
    """How the objects ended that several requests built alike."""

    __slots__ = ("by_collector", "by_reference", "requests")

    def __init__(self, size: int) -> None:
        """`size` is how many objects each of them built."""
        self.requests = 0
        self.by_reference = [0] * size
        """For each object in turn: how often its last reference or its owner ended it."""
        self.by_collector = [0] * size

    def add(self, requests: int, by_reference: Iterable[int], by_collector: Iterable[int]) -> None:
        """Adds so many requests, and for each object how it ended in them."""
        self.requests += requests
        self.by_reference = [*map(operator.add, self.by_reference, by_reference)]
        self.by_collector = [*map(operator.add, self.by_collector, by_collector)]


class _Shape:
    """What the newest request of a kind built and used, and where those like it are counted."""

    __slots__ = ("built", "classes", "kinds", "seen", "use", "whats")

    def __init__(self, trace: Trace) -> None:
        """`trace` is the first of its kind; what it used is learned when it is counted."""
        self.kinds: list[str] = trace.births[2::5]
        self.classes: list[int] = trace.births[3::5]
        self.built: Built | None = None
        """None before the first that is counted."""
        self.whats: list[What] = []
        self.seen: list[int] = []
        self.use: list[int] | None = None
        """Empty if no other can have used the same; None before it is learned."""


class Counts:
    """How many requests built the same objects, and how many used the same."""

    def __init__(self, page: Callable[[Trace], str]) -> None:
        """`page` returns what a request asked for, as `tracer.model.Request.page`."""
        self.page = page
        self.built: dict[tuple[Any, ...], Built] = {}
        """By what they built: (kinds, classes)."""
        self.used: dict[tuple[int, tuple[Any, ...]], list[int]] = {}
        """(thread, marks older than the request) to [how many, the newest's number]."""
        self.known: dict[tuple[Any, ...], _Shape] = {}
        """The newest shape of each kind."""
        self.survivors: list[Survivor] = []
        """Objects that are alive still."""
        self.pages: list[tuple[str, int, int, int]] = []
        """(page, thread, number, closed) of each request."""
        self.served = 0
        self.first = (0, 0, 0)
        """Number, end and thread of the first of them."""
        self.begins: list[tuple[int, int]] = []
        """(begin, number) of the newest."""

    def take(self, traces: list[Trace], closed: dict[int, int]) -> list[Trace]:
        """Counts those of `traces`, all of one `likeness`, whose objects are gone.

        Returns the others, which leave the list. `closed` is the token of a resource to when it was
        closed; what of that is counted is forgotten there.
        """
        if len(traces) == 1:
            # Joining pays from two traces on.
            return self._take_each(traces, closed)
        # They come in the order in which they ended, which differs on several threads.
        traces.sort(key=_NUMBER)
        kind = likeness(traces[0])
        last = self.known.get(kind)
        if last is None:
            last = self.known[kind] = _Shape(traces[0])
        births = _joined_births(traces, last)
        if births is None:
            del self.known[kind]
            return self._take_each(traces, closed)
        by_reference, ends = _ends(births, len(last.kinds), closed)
        if ends:
            return self._take_some(traces, ends, closed)
        count = len(traces)
        by_collector = [count - ended for ended in by_reference]
        self._built(last).add(count, by_reference, by_collector)
        self._use(traces, last)
        self._serve(traces)
        return []

    def add(self, trace: Trace, ends: Sequence[int], closed: dict[int, int]) -> None:
        """Counts one request; an end of 0 is that of an object that may be alive still."""
        self._built(_Shape(trace)).add(1, map((0).__lt__, ends), map((0).__gt__, ends))
        self._use_of(trace)
        self._serve([trace])
        if closed:
            for token in trace.births[1::5]:
                closed.pop(token, None)

    def _take_each(self, traces: list[Trace], closed: dict[int, int]) -> list[Trace]:
        """Counts traces one by one, as they are few, or not alike after all."""
        waiting = []
        for trace in traces:
            ends = ends_of(trace, closed)
            if 0 in ends:
                waiting.append(trace)
            else:
                self.add(trace, ends, closed)
        _leave(traces, waiting)
        return waiting

    def _take_some(
        self, traces: list[Trace], ends: list[int], closed: dict[int, int]
    ) -> list[Trace]:
        """Counts the traces whose objects are gone; `ends` are those of one object of each, or 0.

        Another object of a trace may be alive still, so that it is looked at once more.
        """
        waiting = [trace for trace, end in zip(traces, ends, strict=True) if not end]
        _leave(traces, waiting)
        return waiting + self.take(traces, closed) if traces else waiting

    def _built(self, last: _Shape) -> Built:
        """Returns where requests are counted that built the same."""
        if last.built is None:
            key = tuple(last.kinds), tuple(last.classes)
            last.built = self.built.setdefault(key, Built(len(last.kinds)))
        return last.built

    def _use(self, traces: list[Trace], last: _Shape) -> None:
        """Counts what traces used; most used the same as the last, in the same order."""
        if last.use is None:
            self._learn(last, traces[0])
        if last.use and _used_alike(traces, last):
            last.use[0] += len(traces)
            last.use[1] = max(last.use[1], traces[-1].number)
            return
        if last.use:
            last.use = None
        for trace in traces:
            self._use_of(trace)

    def _learn(self, last: _Shape, trace: Trace) -> None:
        """Notes what a trace used: the next ones are compared with it."""
        last.whats, last.seen = trace.events[2::3], list(trace.seen)
        marks = [*[what[1] for what in last.whats], *last.seen]
        if trace.single and all(not mark or mark < trace.first for mark in marks):
            last.use = self._used(trace)
        else:
            # It used what it built itself: to another, the same would be older.
            last.use = _NONE

    def _used(self, trace: Trace) -> list[int]:
        """Returns the entry of requests that used the same: [how many, the newest's number]."""
        key = trace.thread, _older(trace)
        use = self.used.get(key)
        if use is None:
            use = self.used[key] = [0, 0]
        return use

    def _use_of(self, trace: Trace) -> None:
        """Counts what one trace used."""
        use = self._used(trace)
        use[0] += 1
        use[1] = max(use[1], trace.number)

    def _serve(self, traces: list[Trace]) -> None:
        if not self.served:
            first = traces[0]
            self.first = first.number, first.closed, first.thread
        self.served += len(traces)
        page = self.page
        self.pages += [(page(each), each.thread, each.number, each.closed) for each in traces]
        begins = self.begins
        begins += [(trace.begun, trace.number) for trace in traces[-_BEGINS:]]
        if len(begins) > _BEGINS:
            # Traces that could wait no longer come last, and are the oldest.
            begins.sort(key=itemgetter(1))
            del begins[:-_BEGINS]


def ends_of(trace: Trace, closed: dict[int, int]) -> list[int]:
    """Returns for each birth when its object ended; 0 if it is not known to have ended."""
    return _marks(trace.births[::5], trace.births[1::5], closed)


def _marks(marks: list[Any], tokens: list[int], closed: dict[int, int]) -> list[int]:
    return [
        mark if type(mark) is int else closed.get(token, 0)
        for mark, token in zip(marks, tokens, strict=True)
    ]


def _joined_births(traces: list[Trace], last: _Shape) -> list[Any] | None:
    """Returns the births of all traces, joined; None if one of them built something else."""
    joined: list[Any] = []
    for trace in traces:
        joined += trace.births
    count = len(traces)
    if joined[2::5] != last.kinds * count or joined[3::5] != last.classes * count:
        return None
    return joined


def _used_alike(traces: list[Trace], last: _Shape) -> bool:
    """Whether all traces used what the last one did."""
    whats, seen = last.whats, last.seen
    return all(trace.seen == seen and trace.events[2::3] == whats for trace in traces)


def _ends(
    births: list[Any], size: int, closed: dict[int, int]
) -> tuple[list[int], list[int] | None]:
    """Returns for each object in how many requests it did not wait for the collector.

    `births` are those of requests that built the same `size` objects. And, if not all are over, of
    one object when each of them ended, 0 if it did not.
    """
    found = []
    resources = []
    for place in range(0, 5 * size, 5):
        marks = births[place :: 5 * size]
        try:
            newest = max(marks)
        except TypeError:
            newest = None
        if type(newest) is not int:
            # One is there still, or only its owner can end it.
            tokens = births[place + 1 :: 5 * size]
            marks = _marks(marks, tokens, closed)
            if 0 in marks:
                return [], marks
            newest = max(marks)
            resources += tokens
        if newest < 0:
            found.append(0)
        elif min(marks) > 0:
            found.append(len(marks))
        else:
            found.append(len([mark for mark in marks if mark > 0]))
    for token in resources:
        closed.pop(token, None)
    return found, None


def _leave(traces: list[Trace], waiting: list[Trace]) -> None:
    if waiting:
        gone = set(map(id, waiting))
        traces[:] = [trace for trace in traces if id(trace) not in gone]


def _older(trace: Trace) -> tuple[Any, ...]:
    """Returns the objects that a request used and did not build: those that others may share."""
    own = trace.first
    marks = [what[1] for what in trace.events[2::3]]
    marks += trace.seen
    if trace.single:
        return tuple([mark for mark in marks if mark and mark < own])
    if trace.other_threads:
        marks += [(what[1], thread) for thread, _, _, what in trace.other_threads if what[1]]
    return tuple([mark for mark in marks if mark and _token(mark) < own])


_NONE: list[int] = []
_NUMBER = attrgetter("number")
_BEGINS = 4
"""Beginnings that are reported: enough to say which request a death came after."""


def _token(mark: int | tuple[int, int]) -> int:
    return mark if isinstance(mark, int) else mark[0]
