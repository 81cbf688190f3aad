"""One request in flight: two flat lists, and nothing else.

Each three entries of `Trace.events` are one finished stage, `(start, end, what)`, where `what` is
`(stage, token, name, detail, error)`: the same tuple each time where nothing in it changes. Each
five of `Trace.births` are one object, `(mark, token, kind, class, told)`. The mark is its weak
reference while it lives and then when it died (see `tracer.recorder.weakrefs`), or None if its end
is told elsewhere; the class is a number (see `tracer.recorder.classes`); `told` is its label or, if
there is more, `(label, thread, owner, mortal)`. Flat,
for a tuple kept is one more object for the collector to visit, and the application's
collections are not ours to bring forward; so the four words of a request's address are four
attributes, and what resolving found is one tuple for all requests that find the same. No thread is
noted while there is only the one that the request began on: see `spread`.
Strings and numbers only: whatever else of the application's is held here would live longer for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from sys import getrefcount
from typing import Any
from weakref import ref

from tracer.recorder.threads import Lane
from tracer.recorder.weakrefs import Ref

What = tuple[str, "int | None", Any, Any, str]
"""(stage, token, name, detail, error)"""
Event = tuple[int, int, What]
"""(start, end, what)"""
RawBirth = tuple[int, str, int, tuple["str | None", int, "int | None", bool], int]
"""Outside any request: (token, kind, number of its class, (label, thread, owner, mortal), at)."""

LATE = 0
"""Token of a stage of whose object the trace knows the token."""

current: ContextVar[Trace | None] = ContextVar("tracer_current", default=None)
"""The request in flight in this thread, task or greenlet."""


class Trace:
    """What was recorded of one request so far."""

    __slots__ = (
        "add",
        "asked",
        "asks",
        "awaited",
        "bear",
        "begun",
        "births",
        "built",
        "built_token",
        "calling",
        "closed",
        "ending",
        "events",
        "extend",
        "far",
        "first",
        "ident",
        "last_error",
        "method",
        "modules",
        "number",
        "path",
        "query",
        "responded",
        "response",
        "rows",
        "script",
        "seen",
        "single",
        "size",
        "status",
        "streaming",
        "thread",
        "uncounted",
        "view",
        "view_token",
        "viewed",
    )

    number: int
    asked: Ref | None
    """Of the resolver that `reverse()` found last; None when it is no longer `single`."""
    asks: int
    """How often it was seen to be found again at once."""
    begun: int
    thread: int
    ident: int
    method: Any
    """As the server gave it, like the three below; None for what it left out."""
    script: Any
    """Script name: where the application is mounted."""
    path: Any
    query: Any
    events: list[Any]
    extend: Callable[[Event], None]
    """What `add` is while the request is in flight."""
    add: Callable[[Event], None]
    births: list[Any]
    bear: Callable[[tuple[Any, ...]], None]
    """Takes down one birth, of one that lives."""
    seen: Any
    """List of tokens used without a stage of their own; with the thread's, if not `single`."""
    far: list[Any] | None
    """`(thread, start, end, what)` of stages that came when it was no longer `single`."""
    first: int
    """The first token given out in it: lower ones are older than the request."""
    closed: int
    """When it was finished; 0 while it is in flight."""
    single: bool
    """Everything so far happened on the thread it began on, so nobody need ask which."""
    calling: bool
    """Its handler has not returned."""
    awaited: bool
    """Its handler is a coroutine, which finishes it."""
    ending: str
    last_error: int
    modules: list[str] | None
    built: Ref | None
    """The response built last."""
    built_token: int
    responded: int | None
    """Token of the response of the first such stage, which says `LATE`: the same each time."""
    response: ref[Any] | None
    """The response that left the handler."""
    rows: int
    """Model instances watched so far."""
    size: int | None
    status: int | None
    streaming: bool
    uncounted: int
    view: tuple[str, str, str | None] | None
    """What resolving found: (dotted path of the view, route, URL name)."""
    view_token: int | None
    viewed: int | None
    """Token of the view object of the first such stage, which says `LATE`."""

    def spread(self, lane: Lane) -> None:
        """From now on other threads take part: note of everything on which it happens."""
        if not self.single or self.closed:
            return
        # First this: what is no longer single has sightings with threads.
        self.seen = _Seen(self.seen, lane)
        self.single = False
        self.asked = None
        far: list[Any] = []
        self.far = far
        self.add = lambda event: far.append((lane.token, *event))
        # The list stays the same: the references in it know it.
        births = self.births.extend
        self.bear = lambda born: births((*born[:4], (born[4], lane.token, None, True)))


class _Seen(list[Any]):
    """Sightings on several threads."""

    __slots__ = ("asked", "lane")

    def __init__(self, before: list[Any], lane: Lane) -> None:
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
