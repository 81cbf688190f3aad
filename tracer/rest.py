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
from tracer.model.records import Row
from tracer.recorder.assembly import birth
from tracer.recorder.lives import Ref
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, What, give_back

RESTING = 16
"""Requests that are kept as they were recorded, however soon all that they built is gone."""
TALLY = 128
"""How many are counted before the history is told."""
WAITING = 256
"""Requests beyond which the oldest wait no longer for the end of what they built."""
HEAVY = 32_768
"""Entries of stages and births beyond which they do not, either: a few megabytes."""

End = tuple[int, int, str, int]
"""(token, at, how, ident), as in `Died`."""
Signs = tuple["bool | None", ...]
"""Of each birth whether its last reference ended it, or the collector, or nothing yet."""


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
        self.closed: dict[int, int] = {}
        """Token of a resource that was closed before its request was tallied, to when."""
        self.tally = _Tally()
        self.rows: dict[tuple[str, type], Row] = {}

    def ends(self, already: Iterable[Ref] = ()) -> Ends:
        """Return the closings and deaths since the last time, and those of `already`."""
        closings = self.recorder.closings
        closed = [closings.popleft() for _ in range(len(closings))]
        dead = self.deaths((*already, *self.recorder.lives.drain()))
        return dead._replace(closed=[(token, at, "closed", ident) for token, at, ident in closed])

    def deaths(self, refs: Iterable[Ref]) -> Ends:
        """Return the ends of objects that are dead."""
        resources = self.recorder.resources
        dead: list[End] = []
        taken_along: list[End] = []
        for ref in refs:
            at, token = ref.at, ref.token
            dead.append((token, -at, "collector", 0) if at < 0 else (token, at, "reference", 0))
            if token in resources:
                # A wrapper that dies open takes its raw connection along; one that is watched
                # itself tells its own end.
                raw = resources.pop(token)
                if raw not in self.recorder.lives.refs:
                    taken_along.append((raw, *dead[-1][1:]))
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

    def absorb(self) -> bool:
        """Count the requests that are old and over; return whether it is time to tell of them.

        What the collector frees is gone some dozens of requests later, and to count those that
        waited for it takes no more than their marks. Of what is still there when the oldest can
        wait no longer, one by one is remembered.
        """
        traces, tally = self.traces, self.tally
        late: int | None = None
        for _ in range(len(traces) - RESTING):
            trace = traces[0]
            try:
                ends = list(map(_END, trace.births[::4]))
            except AttributeError:  # a token stands for what only its owner can end
                ends = [self._end(mark) for mark in trace.births[::4]]
            if 0 not in ends:
                signs: Signs = tuple([end > 0 for end in ends])
            else:
                late = self._late() if late is None else late - 1
                if late <= 0:
                    break
                tally.stayed += self._stayed(trace, ends)
                signs = tuple([end > 0 if end else None for end in ends])
            traces.popleft()
            tally.add(trace, signs)
            if self.closed:
                self._forget(trace)
            give_back(self.recorder.spare, trace)
        return tally.served >= TALLY or bool(tally.stayed)

    def forget(self) -> None:
        """In a forked child: these were the parent's."""
        self.traces.clear()
        self.tally = _Tally()

    def _late(self) -> int:
        """How many can wait no longer, of those that are old and not over."""
        count = len(self.traces)
        if count > WAITING:
            return count - WAITING + _TOGETHER
        weight = sum(map(len, map(_EVENTS, self.traces))) + sum(map(len, map(_BIRTHS, self.traces)))
        return count - RESTING if weight > HEAVY else 0

    def _end(self, mark: Any) -> int:
        return self.closed.get(mark, 0) if type(mark) is int else mark.at

    def _forget(self, trace: Trace) -> None:
        """The closings that waited for this request."""
        for mark in trace.births[::4]:
            if type(mark) is int:
                self.closed.pop(mark, None)

    def flush(self, standing: Sequence[int], history: History) -> None:
        """Tell the history of the requests that were counted."""
        tally, self.tally = self.tally, _Tally()
        if not tally.served:
            return
        self._count(tally, history)
        # Not one class longer than this: a class may be made for a request and die with it.
        self.rows.clear()
        took_part: Counter[int] = Counter()
        for (thread, older), (count, newest) in tally.used.items():
            pairs = {(mark, thread) if isinstance(mark, int) else mark for mark in older}
            took_part.update(dict.fromkeys({thread, *map(_THREAD, pairs)}, count))
            pairs.update((token, thread) for token in standing)
            history.used(pairs, count, newest)
        history.tally(tally.served, tally.begins, took_part, tally.stayed)

    def _stayed(self, trace: Trace, ends: list[int]) -> list[tuple[Birth, int]]:
        """Births of objects that live still, or that nothing but facts can tell the end of."""
        self.recorder.lives.keep(trace.births)
        flat = trace.births
        marks = zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], ends, strict=True)
        return [
            (birth(ref, kind, cls, told, trace.closed, trace.thread), trace.number)
            for ref, kind, cls, told, end in marks
            if not end
        ]

    def _count(self, tally: _Tally, history: History) -> None:
        """Put what was built and freed into the ledger's rows."""
        for (kinds, classes), signs in tally.built.items():
            for kind, cls in set(zip(kinds, classes, strict=True)):
                self._row(kind, cls, tally, history).requests += len(signs)
            for each, count in Counter(signs).items():
                for kind, cls, sign in zip(kinds, classes, each, strict=True):
                    if sign is not None:
                        row = self._row(kind, cls, tally, history)
                        row.built += count
                        row.freed["response" if sign else "collector"] += count
                        row.scopes[scopes.REQUEST] += count

    def _row(self, kind: str, cls: type, tally: _Tally, history: History) -> Row:
        key = kind, cls
        if key not in self.rows:
            number, at, thread = tally.first
            self.rows[key] = history.row(birth(0, kind, cls, None, at, thread), number)
        return self.rows[key]


class _Tally:
    """How many requests built the same, and how many used the same."""

    def __init__(self) -> None:
        self.built: dict[tuple[Any, ...], list[Signs]] = {}
        """(kinds, classes) to how what they built ended."""
        self.used: dict[tuple[int, tuple[Any, ...]], list[int]] = {}
        """(thread, marks older than the request) to [how many, the newest's number]."""
        self.known: dict[Any, tuple[Any, ...]] = {}
        """What the view's newest request was like, and where it was counted."""
        self.stayed: list[tuple[Birth, int]] = []
        """What they built and is there still, with their numbers."""
        self.served = 0
        self.first = (0, 0, 0)
        """Number, end and thread of the first of them."""
        self.begins: deque[tuple[int, int]] = deque(maxlen=_BEGINS)

    def add(self, trace: Trace, signs: Signs) -> None:
        """Count one. Two of one view are mostly alike in all, which is told soonest."""
        births, thread = trace.births, trace.thread
        # Copies: what the trace has is given back.
        like = births[1::4], births[2::4], trace.events[2::3], trace.seen[:], thread
        known = self.known.get(trace.view)
        if known is not None and known[0] == like and trace.single:
            _, built, use = known
        else:
            built = self.built.setdefault((tuple(like[0]), tuple(like[1])), [])
            use = self.used.setdefault((thread, _older(trace, like[2])), [0, 0])
            if trace.single:
                self.known[trace.view] = like, built, use
        if not self.served:
            self.first = trace.number, trace.closed, thread
        self.served += 1
        self.begins.append((trace.begun, trace.number))
        built.append(signs)
        use[0] += 1
        use[1] = trace.number


def _older(trace: Trace, whats: list[What]) -> tuple[Any, ...]:
    """What it used and did not build itself: of that there is no use by others to tell."""
    own = trace.first
    marks = [*map(_TOKEN, whats), *trace.seen]
    if trace.far:
        marks += [(what[1], thread) for thread, _, _, what in trace.far if what[1]]
    if trace.single:
        return tuple([mark for mark in marks if mark and mark < own])
    return tuple([mark for mark in marks if mark and _token(mark) < own])


_END = attrgetter("at")
_EVENTS, _BIRTHS = attrgetter("events"), attrgetter("births")
_TOKEN = itemgetter(1)
"""Of what a stage is: the object that took part."""
_THREAD = itemgetter(1)
"""Of a use."""
_TOGETHER = 32
"""How many that wait no longer are counted at a time."""
_BEGINS = 4
"""How many of a batch's beginnings are told: enough to say which request a death came after."""


def _token(mark: int | tuple[int, int]) -> int:
    return mark if isinstance(mark, int) else mark[0]
