"""A batch: what was recorded since the last one, for every sink in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from tracer.model import Deaths, Died, Fact
from tracer.model.masking import Masking
from tracer.model.trace import Trace
from tracer.recorder.recorder import Recorder

PIECE = 128
"""Requests in one piece of a batch."""
Price = Callable[[Trace], int]
"""Returns how many nanoseconds of a request recording took."""


class Batch:
    """One batch, as facts, causes before effects. Sinks take it in turn."""

    def __init__(
        self,
        recorder: Recorder,
        facts: Iterable[Fact] = (),
        traces: Iterable[Trace] = (),
        standing: Sequence[int] = (),
        ends: Sequence[Died] = (),
        after: Iterable[Fact] = (),
        price: Price = lambda _trace: 0,
    ) -> None:
        self.recorder = recorder
        self.before = [*facts]
        """Threads, objects built outside requests, and whatever else precedes the requests."""
        self.traces = [*traces]
        self.numbers = [trace.number for trace in self.traces]
        """The requests' numbers, which stay when the traces are gone."""
        self.standing = standing
        """Tokens of the objects that every request uses, such as the settings."""
        self.ends = ends
        """Ends of objects that were known before this batch."""
        self.after = [*after]
        """What can only be said once the requests and ends are known, such as collections."""
        self.price = price
        self._facts: dict[Masking, list[Fact]] = {}

    def pieces(self) -> Iterator[Batch]:
        """Yields it in pieces of few requests, so that what sinks make of one is gone before the
        next: else Python's garbage collector would go through all of it.
        """
        while len(self.traces) > PIECE:
            traces, before = self.traces[:PIECE], self.before
            self.before = []
            del self.traces[:PIECE], self.numbers[:PIECE]
            piece = Batch(self.recorder, before, traces, self.standing, price=self.price)
            # A trace is held by one piece alone, to be given back.
            del traces
            yield piece
        yield self

    def facts(self, masking: Masking) -> list[Fact]:
        """Returns all of it, with secrets masked in this way."""
        found = self._facts.get(masking)
        if found is None:
            found = self._facts[masking] = [*self.before]
            try:
                found += masking.recorded(self.traces, self.standing, self.price, self._fault)
            except Exception as fault:  # once, and not by each sink
                self._fault(fault)
            if self.ends:
                found.append(Deaths(tuple(self.ends)))
            found += self.after
        return found

    def _fault(self, fault: Exception) -> None:
        self.recorder.fault("assembly", fault)


class Sink(Protocol):
    """Takes every batch, under the pipeline's lock."""

    name: str
    """What a fault of it is reported as."""

    def take(self, batch: Batch) -> None:
        """Takes one batch. May raise: the other sinks get the batch all the same."""


def as_ends(ends: Iterable[tuple[int, int]]) -> list[Died]:
    """Returns the ends of dead objects, given as token and `Ref.at`."""
    return [
        Died(token, -at, "collector") if at < 0 else Died(token, at, "reference")
        for token, at in ends
    ]


def taken_along(recorder: Recorder, dead: Iterable[Died]) -> list[Died]:
    """Returns the ends of raw connections: a wrapper that dies open takes its own along.

    A raw connection that is watched itself reports its own end.
    """
    found: list[Died] = []
    resources = recorder.resources
    if resources:
        for end in dead:
            raw = resources.pop(end.token, None)
            if raw is not None and raw not in recorder.weakrefs.refs:
                found.append(Died(raw, end.at, end.how))
    return found
