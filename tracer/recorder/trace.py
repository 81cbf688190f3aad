"""Traces on the request's path: begun, spread over threads, given back. Their shape is the model's.

While a request has only the thread on which it began, no thread is noted: see `spread`.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from sys import getrefcount
from typing import Any

from tracer.model.recorded import LATE, Event, RawBirth, Trace, What
from tracer.recorder.threads import CurrentThread
from tracer.recorder.weakrefs import Ref

__all__ = [
    "LATE",
    "Event",
    "RawBirth",
    "Trace",
    "What",
    "begun",
    "current",
    "give_back",
    "ignore",
    "spread",
]

current: ContextVar[Trace | None] = ContextVar("tracer_current", default=None)
"""The trace of the request in flight in this thread, task or greenlet."""


def spread(trace: Trace, lane: CurrentThread) -> None:
    """Notes the thread of everything from now on, as other threads take part in the request."""
    if not trace.single or trace.closed:
        return
    # First this: what is no longer single has sightings with threads.
    trace.seen = _Seen(trace.seen, lane)
    trace.single = False
    trace.asked = None
    far: list[Any] = []
    trace.far = far
    trace.add = lambda event: far.append((lane.token, *event))
    # The list stays the same: the references in it know it.
    births = trace.births.extend
    trace.bear = lambda born: births((*born[:4], (born[4], lane.token, None, True)))


class _Seen(list[Any]):
    """Sightings on several threads."""

    __slots__ = ("asked", "lane")

    def __init__(self, before: list[Any], lane: CurrentThread) -> None:
        super().__init__(before)
        self.lane = lane
        self.asked: dict[int, Ref] = {}
        """Thread to the resolver that `reverse()` found last on it."""

    def append(self, token: Any) -> None:
        """Take down one sighting, with its thread."""
        super().append((token, self.lane.token))

    def again(self, resolver: Ref) -> bool:
        """Take down that `reverse()` found a resolver, unless it did so last on this thread."""
        thread = self.lane.token
        if self.asked.get(thread) is resolver:
            return True
        self.asked[thread] = resolver
        super().append((resolver.token, thread))
        return False


def begun(
    number: int, at: int, thread: int, ident: int, told: tuple[Any, ...], spare: list[Trace]
) -> Trace:
    """Return the trace of a request that begins; `at` in nanoseconds of the recorder's clock.

    One of `spare` is used again, if there is one.
    """
    try:
        trace = spare.pop()
    except IndexError:
        # A class that is called with arguments costs a thousand instructions more than this.
        trace = Trace()
        trace.events = []
        trace.extend = trace.events.extend
        trace.births = []
        trace.bear = trace.births.extend
        trace.seen = []
    trace.number = number
    trace.begun = at
    trace.thread = thread
    trace.ident = ident
    trace.method, trace.script, trace.path, trace.query = told
    trace.add = trace.extend
    trace.closed = trace.last_error = trace.rows = trace.uncounted = trace.asks = 0
    trace.single = trace.calling = True
    trace.awaited = trace.streaming = False
    trace.ending = "closed"
    trace.far = trace.modules = trace.asked = trace.built = trace.response = None
    trace.responded = trace.viewed = None
    trace.size = trace.status = trace.view = trace.view_token = None
    return trace


def give_back(spare: list[Trace], trace: Trace) -> None:
    """Let a later request use this one, whose caller holds it by one name, and nobody else does.

    Not that it saved much to make one: but what lives for some dozens of requests, as recordings
    do that nobody has looked at, the collector takes for what stays, and looks through the whole
    process the sooner. These it has looked at long ago.
    """
    if getrefcount(trace) == _HELD and trace.single and len(spare) < _SPARE:
        trace.events.clear()
        trace.births.clear()
        trace.seen.clear()
        trace.modules = None
        spare.append(trace)


def _held() -> int:
    """How many references there are to what is held by one name and handed to a function."""

    def asked(trace: Trace) -> int:
        return getrefcount(trace)

    trace = Trace()
    return asked(trace)


_HELD = _held()
_SPARE = 256 if getattr(sys, "_is_gil_enabled", lambda: True)() else 0
"""Traces kept to be used again; without the interpreter's lock, references cannot be counted."""


def ignore(_event: Any) -> None:
    """Stands in for `add` of a request that is over: a thread may outlive it."""
