"""One request in flight: two flat lists, and nothing else.

Each three entries of `Trace.events` are one finished stage, `(start, end, what)`, where `what` is
`(stage, token, name, detail, error)`: the same tuple each time where nothing in it changes. Each
four of `Trace.births` are one object, `(reference or token, kind, type, told)`, where `told` is its
label or, if there is more to tell, `(label, thread, owner, mortal)`. Flat, for a tuple kept is one
more object for the collector to visit, and the application's collections are not ours to bring
forward. No thread is noted while there is only the one that the request began on: see `spread`.
Strings, numbers and classes only: an object of the application's would live longer for being here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any
from weakref import ref

from tracer.recorder.lives import Ref
from tracer.recorder.threads import Lane

What = tuple[str, "int | None", Any, Any, str]
"""(stage, token, name, detail, error)"""
Event = tuple[int, int, What]
"""(start, end, what)"""
RawBirth = tuple[int, str, type, tuple["str | None", int, "int | None", bool], int]
"""Outside any request: (token, kind, type, (label, thread, owner, mortal), at)."""

current: ContextVar[Trace | None] = ContextVar("tracer_current", default=None)
"""The request in flight in this thread, task or greenlet."""


class Trace:
    """What was recorded of one request so far."""

    __slots__ = (
        "add",
        "awaited",
        "begun",
        "births",
        "built",
        "calling",
        "closed",
        "ending",
        "events",
        "far",
        "first",
        "ident",
        "last_error",
        "modules",
        "number",
        "response",
        "rows",
        "seen",
        "single",
        "size",
        "status",
        "streaming",
        "thread",
        "told",
        "uncounted",
        "view",
        "view_token",
    )

    number: int
    begun: int
    thread: int
    ident: int
    told: tuple[Any, ...]
    """(method, script name, path, query); None for what the server left out."""
    events: list[Any]
    add: Callable[[Event], None]
    births: list[Any]
    seen: list[Any]
    """Tokens used without a stage of their own; with the thread's, if not `single`."""
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

    def spread(self, lane: Lane) -> None:
        """From now on other threads take part: note of everything on which it happens."""
        if not self.single or self.closed:
            return
        self.single = False
        far: list[Any] = []
        self.far = far
        self.add = lambda event: far.append((lane.token, *event))
        self.births = _Births(self.births, lane)
        self.seen = _Seen(self.seen, lane)


class _Births(list[Any]):
    """Births that happen on several threads."""

    __slots__ = ("lane",)

    def __init__(self, before: list[Any], lane: Lane) -> None:
        super().__init__(before)
        self.lane = lane

    def extend(self, born: Iterable[Any]) -> None:
        """Take down one birth, with its thread."""
        ref, kind, cls, label = born
        super().extend((ref, kind, cls, (label, self.lane.token, None, True)))


class _Seen(list[Any]):
    """Sightings on several threads."""

    __slots__ = ("lane",)

    def __init__(self, before: list[Any], lane: Lane) -> None:
        super().__init__(before)
        self.lane = lane

    def append(self, token: Any) -> None:
        """Take down one sighting, with its thread."""
        super().append((token, self.lane.token))


def begun(number: int, at: int, thread: int, ident: int, told: tuple[Any, ...]) -> Trace:
    """Return the trace of a request that begins; `at` in nanoseconds of the recorder's clock."""
    # A class that is called with arguments costs a thousand instructions more than this.
    trace = Trace()
    trace.number = number
    trace.begun = at
    trace.thread = thread
    trace.ident = ident
    trace.told = told
    events: list[Any] = []
    trace.events = events
    trace.add = events.extend
    trace.births = []
    trace.seen = []
    trace.closed = trace.last_error = trace.rows = trace.uncounted = 0
    trace.single = trace.calling = True
    trace.awaited = trace.streaming = False
    trace.ending = "closed"
    trace.far = trace.modules = trace.built = trace.response = None
    trace.size = trace.status = trace.view = trace.view_token = None
    return trace


def ignore(_event: Any) -> None:
    """Stands in for `add` of a request that is over: a thread may outlive it."""
