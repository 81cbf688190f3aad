"""Traces that wait to be asked for: the newest as they are, older ones as counts.

A process that only records, or only writes, makes no facts of its requests until it is asked. It
keeps the newest traces. Of older ones it counts what their requests built, how that was freed, by
class, and which of the longer-lived objects they used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from tracer.model.assemble import birth, by_import, grouped
from tracer.model.recorded import Trace, likeness
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import give_back
from tracer.recorder.weakrefs import Ref
from tracer.runtime.counts import Counts, Survivor, ends_of

NEWEST = 16
"""Traces kept as they are, even if everything that their requests built is gone."""
ENOUGH_COUNTED = 128
"""Requests that are counted before the history gets the counts."""
MOST_WAITING = 256
"""When more traces wait, the oldest are counted even if some of their objects are alive."""
MOST_ENTRIES = 32_768
"""The same limit in list entries of all unfinished traces: a few megabytes."""
_AT_A_TIME = 32
"""Traces beyond `MOST_WAITING` that are counted at a time."""
_NUMBER = attrgetter("number")


class WaitingTraces:
    """The traces that wait, and the counts of those that waited before them."""

    def __init__(self, recorder: Recorder, page: Callable[[Trace], str]) -> None:
        """`page` returns what a request asked for, as `tracer.model.Request.page`."""
        self.recorder = recorder
        self.page = page
        self.traces: deque[Trace] = deque()
        self.unfinished: list[tuple[Trace, int]] = []
        """Older traces of which an object still lives, each with the place of its birth."""
        self.closed: dict[int, int] = {}
        """Token of a resource to the time of its closing, until its request is counted."""
        self.counts = Counts(page)

    @property
    def count(self) -> int:
        """How many traces wait."""
        return len(self.traces) + len(self.unfinished)

    def take(self) -> list[Trace]:
        """Returns all waiting traces in order, and keeps none."""
        old = [trace for trace, _ in self.unfinished]
        found = sorted([*old, *self.traces], key=_NUMBER)
        self.unfinished.clear()
        self.traces.clear()
        return found

    def take_counts(self) -> Counts:
        """Returns what was counted, and begins to count anew."""
        counts, self.counts = self.counts, Counts(self.page)
        return counts

    def reduce(self, collected: bool = False) -> bool:
        """Counts the older requests whose objects are gone; returns whether to report them.

        What the collector frees is gone some dozens or hundreds of requests later. A trace waits
        that long, as by then its births contain the times of death. When it can wait no longer,
        its living objects are remembered one by one. `collected`: a full collection has just run,
        so no older trace waits any longer.
        """
        if self.unfinished:
            self._look_again()
        unfinished = self.unfinished
        for group in self._alike():
            waiting = self._count(group)
            if waiting:
                unfinished += [(trace, self._living(trace)) for trace in waiting]
                unfinished.sort(key=lambda waits: waits[0].number)
            while group:
                trace = group.pop()
                give_back(self.recorder.spare, trace)
        late = (len(unfinished) if collected else self._too_many()) if unfinished else 0
        for trace, _ in unfinished[:late]:
            self._count_with_survivors(trace)
        del unfinished[:late]
        return self.counts.served >= ENOUGH_COUNTED or bool(self.counts.survivors)

    def _look_again(self) -> None:
        """Puts traces whose object has died meanwhile back among the others."""
        still: list[tuple[Trace, int]] = []
        again: list[tuple[Trace, int]] = []
        for waiting in self.unfinished:
            trace, place = waiting
            (still if type(trace.births[place]) is Ref else again).append(waiting)
        self.unfinished = still
        self.traces.extendleft([trace for trace, _ in reversed(again)])

    def _alike(self) -> list[list[Trace]]:
        """Takes the older traces out, in groups that can be counted together."""
        groups: dict[tuple[Any, ...], list[Trace]] = {}
        last: tuple[Any, ...] = ()
        for _ in range(len(self.traces) - NEWEST):
            trace = self.traces.popleft()
            births = trace.births
            if births and type(births[0]) is Ref:
                # The request itself: what is built first mostly lives longest.
                self.unfinished.append((trace, 0))
                continue
            kind = likeness(trace)
            if kind != last:
                group, last = groups.setdefault(kind, []), kind
            group.append(trace)
        return list(groups.values())

    def _count(self, group: list[Trace]) -> list[Trace]:
        """Counts those of a group whose objects are gone; returns the others, which leave it."""
        try:
            return self.counts.take(group, self.closed)
        except Exception as fault:
            self.recorder.fault("the counts", fault)
            return []

    def _living(self, trace: Trace) -> int:
        """Returns the place of the birth of a living object; of the first if all are dead."""
        ends = ends_of(trace, self.closed)
        return 5 * ends.index(0) if 0 in ends else 0

    def _too_many(self) -> int:
        """Returns how many of the unfinished traces can wait no longer."""
        if self.count > MOST_WAITING:
            return self.count - MOST_WAITING + _AT_A_TIME
        entries = sum(len(trace.events) + len(trace.births) for trace, _ in self.unfinished)
        return len(self.unfinished) if entries > MOST_ENTRIES else 0

    def _count_with_survivors(self, trace: Trace) -> None:
        """Counts one request, and remembers its living objects."""
        # First this: from now on each of their deaths is queued.
        self.recorder.weakrefs.take_over(trace.births)
        ends = ends_of(trace, self.closed)
        self.counts.survivors += self._survivors(trace, ends)
        self.counts.add(trace, ends, self.closed)

    def _survivors(self, trace: Trace, ends: list[int]) -> list[Survivor]:
        """Returns the births of objects that live, or whose end only later facts can report."""
        names, home, page = self.recorder.classes.names, trace.thread, self.page(trace)
        module_of = {token: module for module, some in by_import(trace) for token in some}
        return [
            (
                birth(token, kind, names[number], details, trace.closed, home),
                trace.number,
                page,
                module_of.get(token, ""),
            )
            for (_, token, kind, number, details), end in zip(
                grouped(trace.births, 5), ends, strict=True
            )
            if not end
        ]
