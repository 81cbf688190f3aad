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

from collections.abc import Callable, Sequence
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
        "bear",
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
        "see",
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

    def __init__(
        self, number: int, begun: int, thread: int, ident: int, told: tuple[Any, ...]
    ) -> None:
        """`told` is (method, script name, path, query); None for what the server left out."""
        self.number = number
        self.begun = begun
        self.thread = thread
        self.ident = ident
        self.told = told
        events: list[Any] = []
        self.events: Sequence[Any] = events
        self.add: Callable[[Event], None] = events.extend
        births: list[Any] = []
        self.births = births
        self.bear: Callable[[tuple[Any, ...]], None] | None = births.extend
        """Takes down a birth, `(reference, kind, type, label)`; None when the request is over."""
        seen: list[int | tuple[int, int]] = []
        self.seen = seen
        """Tokens used without a stage of their own; with the thread's, if not `single`."""
        self.see: Callable[[int], None] = seen.append
        self.far: list[Any] | None = None
        """`(thread, start, end, what)` of stages that came when it was no longer `single`."""
        self.first = 0
        """The first token given out in it: lower ones are older than the request."""
        self.closed = 0
        """When it was finished; 0 while it is in flight."""
        self.single = True
        """Everything so far happened on the thread it began on, so nobody need ask which."""
        self.calling = True
        """Its handler has not returned."""
        self.awaited = False
        """Its handler is a coroutine, which finishes it."""
        self.ending = "closed"
        self.last_error = 0
        self.modules: list[str] | None = None
        self.built: Ref | None = None
        """The response built last."""
        self.response: ref[Any] | None = None
        """The response that left the handler."""
        self.rows = 0
        """Model instances watched so far."""
        self.size: int | None = None
        self.status: int | None = None
        self.streaming = False
        self.uncounted = 0
        self.view: tuple[str, str, str | None] | None = None
        """What resolving found: (dotted path of the view, route, URL name)."""
        self.view_token: int | None = None

    def spread(self, lane: Lane) -> None:
        """From now on other threads take part: note of everything on which it happens."""
        if not self.single or self.closed:
            return
        self.single = False
        far: list[Any] = []
        self.far = far
        births, seen = self.births, self.seen
        self.add = lambda event: far.append((lane.token, *event))
        self.see = lambda token: seen.append((token, lane.token))
        self.bear = lambda born: births.extend((*born[:3], (born[3], lane.token, None, True)))


def ignore(_told: Any) -> None:
    """Stands in for `add` and `see` of a request that is over: a thread may outlive it."""
