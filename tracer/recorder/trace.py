"""Traces on the request's path: begun, spread over threads, given back. Their shape is the model's.

While a request has only the thread on which it began, no thread is noted: see `spread`.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from sys import getrefcount
from typing import Any

from tracer.model.recorded import LATE, What
from tracer.model.trace import Event, RawBirth, Trace
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


def spread(trace: Trace, current_thread: CurrentThread) -> None:
    """Notes the thread of everything from now on, as other threads take part in the request."""
    if not trace.single or trace.closed:
        return
    # First this: what is no longer single has sightings with threads.
    trace.seen = _Seen(trace.seen, current_thread)
    trace.single = False
    trace.last_resolver = None
    far: list[Any] = []
    trace.other_threads = far
    trace.add = lambda event: far.append((current_thread.token, *event))
    # The list stays the same: the references in it know it.
    births = trace.births.extend
    trace.add_birth = lambda born: births((*born[:4], (born[4], current_thread.token, None, True)))


class _Seen(list[Any]):
    """Sightings on several threads."""

    __slots__ = ("current_thread", "last_resolvers")

    def __init__(self, before: list[Any], current_thread: CurrentThread) -> None:
        super().__init__(before)
        self.current_thread = current_thread
        self.last_resolvers: dict[int, Ref] = {}
        """Thread to the resolver that `reverse()` found last on it."""

    def append(self, token: Any) -> None:
        """Notes one sighting, with its thread."""
        super().append((token, self.current_thread.token))

    def again(self, resolver: Ref) -> bool:
        """Notes that `reverse()` found a resolver, unless it did so last on this thread."""
        thread = self.current_thread.token
        if self.last_resolvers.get(thread) is resolver:
            return True
        self.last_resolvers[thread] = resolver
        super().append((resolver.token, thread))
        return False


def begun(
    number: int, at: int, thread: int, ident: int, address: tuple[Any, ...], spare: list[Trace]
) -> Trace:
    """Returns the trace of a request that begins; `at` in nanoseconds of the recorder's clock.

    Uses one of `spare` again, if there is one.
    """
    try:
        trace = spare.pop()
    except IndexError:
        # A class that is called with arguments costs a thousand instructions more than this.
        trace = Trace()
        trace.events = []
        trace.extend = trace.events.extend
        trace.births = []
        trace.add_birth = trace.births.extend
        trace.seen = []
    trace.number = number
    trace.begun = at
    trace.thread = thread
    trace.ident = ident
    trace.method, trace.script, trace.path, trace.query = address
    trace.add = trace.extend
    trace.closed = trace.last_error = trace.rows = trace.uncounted = trace.repeated_lookups = 0
    trace.single = trace.handler_runs = True
    trace.awaited = trace.streaming = False
    trace.ending = "closed"
    trace.other_threads = trace.modules = trace.last_resolver = trace.built = trace.response = None
    trace.responded = trace.viewed = trace.by_import = None
    trace.size = trace.status = trace.view = trace.view_token = None
    return trace


def give_back(spare: list[Trace], trace: Trace) -> None:
    """Keeps a trace for a later request, unless something besides the caller holds it.

    The caller must hold it by one name. A waiting trace lives for some dozens of requests, so new
    ones would be promoted to the collector's oldest generation, which would be collected sooner.
    A trace that is used again has been there for long.
    """
    if getrefcount(trace) == _HELD and trace.single and len(spare) < _SPARE:
        trace.events.clear()
        trace.births.clear()
        trace.seen.clear()
        trace.modules = None
        spare.append(trace)


def _held() -> int:
    """Returns the count of references to an object that is held by one name, inside a function."""

    def asked(trace: Trace) -> int:
        return getrefcount(trace)

    trace = Trace()
    return asked(trace)


_HELD = _held()
_SPARE = 256 if getattr(sys, "_is_gil_enabled", lambda: True)() else 0
"""Traces kept to be used again; none without the interpreter's lock, as counts are unsure there."""


def ignore(_event: Any) -> None:
    """Replaces `add` of a request that is over: a thread may outlive it."""
