"""Requests that nobody has asked for yet, and what is counted of them when they grow old.

A process that only records makes nothing out of its requests until somebody asks. The newest are
put by as they were recorded; of older ones the marks are tallied: what was built and how it was
freed, by class, and which of the longer-lived objects were used.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from tracer.model import Birth, Died, History
from tracer.model import scope as scopes
from tracer.model.assemble import birth, grouped
from tracer.model.objects import Row
from tracer.model.recorded import End, likeness
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, give_back
from tracer.recorder.weakrefs import Ref
from tracer.runtime.counts import Tally, ends_of

RESTING = 16
"""Requests that are kept as they were recorded, however soon all that they built is gone."""
TALLY = 128
"""How many are counted before the history is told."""
WAITING = 256
"""Requests beyond which the oldest wait no longer for the end of what they built."""
HEAVY = 32_768
"""Entries of stages and births beyond which they do not, either: a few megabytes."""


class Ends(NamedTuple):
    """What ended since somebody asked last."""

    closed: list[End]
    dead: list[End]
    taken_along: list[End]
    """Raw connections whose wrappers are among the dead."""

    @property
    def all(self) -> list[End]:
        """All of them."""
        return [*self.closed, *self.dead, *self.taken_along]


class Rest:
    """The requests put by, and the tally of those that were put by before them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.traces: deque[Trace] = deque()
        self.lasting: list[tuple[Trace, int]] = []
        """Older ones that are not over, each with the place of a birth of something that lives."""
        self.closed: dict[int, int] = {}
        """Token of a resource that was closed before its request was tallied, to when."""
        self.tally = Tally()

    def ends(self, already: Iterable[tuple[int, int]] = ()) -> Ends:
        """Return the closings and deaths since the last time, and those of `already`."""
        closings = self.recorder.closings
        if not (already or closings or self.recorder.lives.deaths):
            return _NO_ENDS
        closed = [closings.popleft() for _ in range(len(closings))]
        dead = self.deaths([*already, *map(_END, self.recorder.lives.drain())])
        return dead._replace(closed=[(token, at, "closed", ident) for token, at, ident in closed])

    def deaths(self, ends: Iterable[tuple[int, int]]) -> Ends:
        """Return the ends of objects that are dead, told as token and `Ref.at`."""
        dead: list[End] = [
            (token, -at, "collector", 0) if at < 0 else (token, at, "reference", 0)
            for token, at in ends
        ]
        resources = self.recorder.resources
        taken_along: list[End] = []
        if resources:
            # A wrapper that dies open takes its raw connection along; one that is watched itself
            # tells its own end.
            for end in dead:
                raw = resources.pop(end[0], None)
                if raw is not None and raw not in self.recorder.lives.refs:
                    taken_along.append((raw, *end[1:]))
        return Ends([], dead, taken_along)

    def known(self, ends: Ends, which: Callable[[set[int]], set[int]]) -> list[Died]:
        """Return the ends of those that are remembered one by one, which `which` picks out.

        Closings of others wait for the tally of their request; their deaths it finds by itself.
        """
        told = ends.closed + ends.dead
        known = which({end[0] for end in told})
        found = [Died(*end) for end in told if end[0] in known] if known else []
        self.closed.update((end[0], end[1]) for end in ends.closed if end[0] not in known)
        return found + [Died(*end) for end in ends.taken_along]

    def waiting(self) -> list[Died]:
        """Return the closings that waited for a tally, which now will not come."""
        found = [Died(token, at, "closed", 0) for token, at in self.closed.items()]
        self.closed.clear()
        return found

    def absorb(self, collected: bool = False) -> bool:
        """Count the requests that are old and over; return whether it is time to tell of them.

        What the collector frees is gone some dozens or hundreds of requests later, and to count
        those that waited for it takes no more than their marks. Of what is still there when a
        request can wait no longer, one by one is remembered. `collected`: there was a full
        collection, so none of the old wait any longer.
        """
        if self.lasting:
            self._look_again()
        traces, tally, lasting = self.traces, self.tally, self.lasting
        groups: dict[tuple[Any, ...], list[Trace]] = {}
        last: tuple[Any, ...] = ()
        for _ in range(len(traces) - RESTING):
            trace = traces.popleft()
            births = trace.births
            if births and type(births[0]) is Ref:
                # The request itself: what is built first mostly lives longest.
                lasting.append((trace, 0))
                continue
            kind = likeness(trace)
            if kind != last:
                group, last = groups.setdefault(kind, []), kind
            group.append(trace)
        for group in groups.values():
            waiting = self._tallied(group)
            if waiting:
                lasting += [(trace, self._living(trace)) for trace in waiting]
                lasting.sort(key=lambda waits: waits[0].number)
            while group:
                trace = group.pop()
                give_back(self.recorder.spare, trace)
        late = (len(lasting) if collected else self._late()) if lasting else 0
        for trace, _ in lasting[:late]:
            self._part(trace)
        del lasting[:late]
        return tally.served >= TALLY or bool(tally.stayed)

    def _tallied(self, group: list[Trace]) -> list[Trace]:
        """Count those of a group that are over; return the others, which leave it."""
        try:
            return self.tally.take(group, self.closed)
        except Exception as fault:
            self.recorder.fault("the tally", fault)
            return []

    def _living(self, trace: Trace) -> int:
        """The place of a birth of something that lives; if there is none any more, the first."""
        ends = ends_of(trace, self.closed)
        return 5 * ends.index(0) if 0 in ends else 0

    def _look_again(self) -> None:
        """Put those that may be over by now back among the others."""
        still: list[tuple[Trace, int]] = []
        again: list[tuple[Trace, int]] = []
        for waiting in self.lasting:
            trace, place = waiting
            (still if type(trace.births[place]) is Ref else again).append(waiting)
        self.lasting = still
        self.traces.extendleft([trace for trace, _ in reversed(again)])

    @property
    def count(self) -> int:
        """How many are put by and not counted yet."""
        return len(self.traces) + len(self.lasting)

    def take(self) -> list[Trace]:
        """Take out all that were put by and are not counted yet, in order."""
        old = [trace for trace, _ in self.lasting]
        found = sorted([*old, *self.traces], key=_NUMBER)
        self.lasting.clear()
        self.traces.clear()
        return found

    def _part(self, trace: Trace) -> None:
        """Count one, and remember what it built and is there still."""
        # First this: from now on whoever dies is told of one by one.
        self.recorder.lives.keep(trace.births)
        ends = ends_of(trace, self.closed)
        self.tally.stayed += self._stayed(trace, ends)
        self.tally.add(trace, ends, self.closed)

    def forget(self) -> None:
        """In a forked child: these were the parent's."""
        self.take()
        self.tally = Tally()

    def _late(self) -> int:
        """How many can wait no longer, of those that are old and not over."""
        if self.count > WAITING:
            return self.count - WAITING + _TOGETHER
        weight = sum(len(trace.events) + len(trace.births) for trace, _ in self.lasting)
        return len(self.lasting) if weight > HEAVY else 0

    def flush(self, standing: Sequence[int], history: History) -> None:
        """Tell the history of the requests that were counted."""
        tally, self.tally = self.tally, Tally()
        if not tally.served:
            return
        self._count(tally, history)
        took_part: Counter[int] = Counter()
        for (thread, older), (count, newest) in tally.used.items():
            pairs = {(mark, thread) if isinstance(mark, int) else mark for mark in older}
            took_part.update(dict.fromkeys({thread, *map(_THREAD, pairs)}, count))
            pairs.update((token, thread) for token in standing)
            history.used(pairs, count, newest)
        history.tally(tally.served, sorted(tally.begins), took_part, tally.stayed)

    def _stayed(self, trace: Trace, ends: list[int]) -> list[tuple[Birth, int]]:
        """Births of objects that live still, or that nothing but facts can tell the end of."""
        names = self.recorder.classes.names
        return [
            (birth(token, kind, names[number], told, trace.closed, trace.thread), trace.number)
            for (_, token, kind, number, told), end in zip(
                grouped(trace.births, 5), ends, strict=True
            )
            if not end
        ]

    def _count(self, tally: Tally, history: History) -> None:
        """Put what was built and freed into the ledger's rows."""
        rows: dict[tuple[str, int], Row] = {}
        for (kinds, classes), built in tally.built.items():
            pairs = list(zip(kinds, classes, strict=True))
            for pair in set(pairs):
                if pair not in rows:
                    kind, number = pair
                    cls = self.recorder.classes.names[number]
                    rows[pair] = _row(kind, cls, tally, history)
                rows[pair].requests += built.requests
            ended = zip(pairs, built.by_reference, built.by_collector, strict=True)
            for pair, by_reference, by_collector in ended:
                row = rows[pair]
                for freed, count in (("response", by_reference), ("collector", by_collector)):
                    if count:
                        row.built += count
                        row.freed[freed] += count
                        row.scopes[scopes.REQUEST] += count


def _row(kind: str, cls: str, tally: Tally, history: History) -> Row:
    row = history.known_row(kind, cls)
    if row is None:
        number, at, thread = tally.first
        row = history.row(birth(0, kind, cls, None, at, thread), number)
    return row


_END = attrgetter("token", "at")
"""Of a reference whose object is dead."""
_NO_ENDS = Ends([], [], [])
_NUMBER = attrgetter("number")
_THREAD = itemgetter(1)
"""Of a use."""
_TOGETHER = 32
"""How many that wait no longer are counted at a time."""
