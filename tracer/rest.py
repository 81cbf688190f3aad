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
from tracer.recorder.trace import Trace

End = tuple[int, int, str, int]
"""(token, at, how, ident), as in `Died`."""


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

    def tally(self, traces: Sequence[Trace], standing: Sequence[int], history: History) -> None:
        """Count old requests by their marks. Most are of a few shapes, so count shapes first."""
        built: Counter[tuple[Any, ...]] = Counter()
        used: Counter[tuple[int, tuple[int, ...]]] = Counter()
        newest: dict[tuple[int, tuple[int, ...]], int] = {}
        stayed: list[tuple[Birth, int]] = []
        for trace in traces:
            births = trace.births
            try:
                ends = list(map(_END, births[::4]))
            except AttributeError:  # a token stands for what only its owner can end
                ends = [self.closed.pop(r, 0) if type(r) is int else r.at for r in births[::4]]
            if 0 in ends:
                stayed += self._stayed(trace, ends)
            signs = tuple([(end > 0) - (end < 0) for end in ends])
            built[tuple(births[1::4]), tuple(births[2::4]), signs] += 1
            # What the request itself built has no use by others to tell of.
            own = trace.first
            marks = [*map(_TOKEN, trace.events[2::3]), *trace.seen]
            if trace.far:
                marks += [(what[1], thread) for thread, _, _, what in trace.far if what[1]]
            if trace.single:
                older = tuple([mark for mark in marks if mark and mark < own])
            else:
                older = tuple([mark for mark in marks if mark and _token(mark) < own])
            key = trace.thread, older
            used[key] += 1
            newest[key] = trace.number
        self._count(built, traces[0], history)
        self._use(used, newest, standing, history)
        # Not one class longer than this: a class may be made for a request and die with it.
        self.rows.clear()
        took_part: Counter[int] = Counter()
        for (thread, older), count in used.items():
            threads = {thread if isinstance(mark, int) else mark[1] for mark in older}
            took_part.update(dict.fromkeys({thread} | threads, count))
        begins = [(trace.begun, trace.number) for trace in traces[-_BEGINS:]]
        history.tally(len(traces), begins, took_part, stayed)

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

    def _count(self, shapes: Counter[tuple[Any, ...]], first: Trace, history: History) -> None:
        """Put what was built and freed into the ledger's rows."""
        for (kinds, classes, signs), count in shapes.items():
            for kind, cls in set(zip(kinds, classes, strict=True)):
                self._row(kind, cls, first, history).requests += count
            for kind, cls, sign in zip(kinds, classes, signs, strict=True):
                if sign:
                    row = self._row(kind, cls, first, history)
                    row.built += count
                    row.freed["collector" if sign < 0 else "response"] += count
                    row.scopes[scopes.REQUEST] += count

    def _use(
        self,
        shapes: Counter[tuple[int, tuple[int, ...]]],
        newest: dict[tuple[int, tuple[int, ...]], int],
        standing: Iterable[int],
        history: History,
    ) -> None:
        """Tell the history who was used, how often, and by which request last."""
        for key, count in shapes.items():
            thread, marks = key
            pairs = {(mark, thread) if isinstance(mark, int) else mark for mark in marks}
            pairs.update((token, thread) for token in standing)
            history.used(pairs, count, newest[key])

    def _row(self, kind: str, cls: type, first: Trace, history: History) -> Row:
        key = kind, cls
        if key not in self.rows:
            made = birth(0, kind, cls, None, first.closed, first.thread)
            self.rows[key] = history.row(made, first.number)
        return self.rows[key]


_END = attrgetter("at")
_TOKEN = itemgetter(1)
"""Of what a stage is: the object that took part."""
_BEGINS = 4
"""How many of a batch's beginnings are told: enough to say which request a death came after."""


def _token(mark: int | tuple[int, int]) -> int:
    return mark if isinstance(mark, int) else mark[0]
