"""Requests that nobody has asked for yet, and what is counted of them when they grow old.

A process that only records makes nothing out of its requests until somebody asks. The newest are
put by as they were recorded; of older ones the marks are tallied: what was built and how it was
freed, by class, and which of the longer-lived objects were used.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from tracer.model import Birth, Died, History
from tracer.model import scope as scopes
from tracer.model.records import Row
from tracer.recorder.assembly import birth
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace


class Rest:
    """The requests put by, and the tally of those that were put by before them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.traces: deque[Trace] = deque()
        self.rows: dict[tuple[str, type], Row] = {}

    def deaths(self, kept_only: bool = False) -> list[Died]:
        """Return the deaths and closings since the last time; see `Lives.drain`."""
        recorder, deaths = self.recorder, []
        while recorder.closings:
            token, at, ident = recorder.closings.popleft()
            deaths.append(Died(token, at, "closed", ident))
        for ref in recorder.lives.drain(kept_only):
            how, at = ("collector", -ref.at) if ref.at < 0 else ("reference", ref.at)
            deaths.append(Died(ref.token, at, how, 0))
            # A wrapper that dies open takes its raw connection along.
            raw = recorder.resources.pop(ref.token, None)
            if raw is not None:
                deaths.append(Died(raw, at, how, 0))
        return deaths

    def tally(self, traces: Sequence[Trace], standing: Sequence[int], history: History) -> None:
        """Count old requests by their marks, all together: each step runs over all of them."""
        built: Counter[tuple[str, type, bool]] = Counter()
        rows_used: Counter[tuple[str, type]] = Counter()
        used: dict[int, Counter[Any]] = {}
        last: dict[Any, int] = {}
        stayed: list[tuple[Birth, int]] = []
        for trace in traces:
            births = trace.births
            refs, kinds, classes = births[::4], births[1::4], births[2::4]
            try:
                ends = list(map(_END, refs))
            except AttributeError:  # a token instead of a reference: not one of the many
                ends = [getattr(ref, "at", 0) for ref in refs]
            if 0 in ends:
                stayed += self._stayed(trace, ends)
            built.update(
                (kind, cls, end < 0)
                for kind, cls, end in zip(kinds, classes, ends, strict=True)
                if end
            )
            rows_used.update(set(zip(kinds, classes, strict=True)))
            tokens = set(trace.events[4::8])
            tokens.update(trace.seen, standing)
            used.setdefault(trace.thread, Counter()).update(tokens)
            last.update(dict.fromkeys(tokens, trace.number))
        self._count(built, rows_used, traces[0], history)
        history.tally(
            [(trace.number, trace.begun, trace.thread) for trace in traces], used, last, stayed
        )

    def _stayed(self, trace: Trace, ends: list[int]) -> list[tuple[Birth, int]]:
        """Births of objects that live still, or that nothing but facts can tell the end of."""
        self.recorder.lives.keep(trace.births)
        births = trace.births
        return [
            (birth(*births[4 * index : 4 * index + 4], trace.closed, trace.thread), trace.number)
            for index, end in enumerate(ends)
            if not end
        ]

    def _count(
        self,
        built: Counter[tuple[str, type, bool]],
        used: Counter[tuple[str, type]],
        first: Trace,
        history: History,
    ) -> None:
        """Put the counts into the ledger's rows."""
        for (kind, cls, by_collector), count in built.items():
            row = self._row(kind, cls, first, history)
            row.built += count
            row.freed["collector" if by_collector else "response"] += count
            row.scopes[scopes.REQUEST] += count
        for (kind, cls), count in used.items():
            self._row(kind, cls, first, history).requests += count

    def _row(self, kind: str, cls: type, first: Trace, history: History) -> Row:
        key = kind, cls
        if key not in self.rows:
            made = birth(0, kind, cls, None, first.closed, first.thread)
            self.rows[key] = history.row(made, first.number)
        return self.rows[key]


_END = attrgetter("at")
