"""One request in flight: two flat lists, and nothing else.

Each eight entries of `Trace.events` are one finished stage,
`(stage, start, end, thread, token, name, detail, error)`, and each four of `Trace.births` one
object, `(reference or token, kind, type, told)`, where `told` is its label or, if there is more to
tell, `(label, thread, owner, mortal)`. Flat, for a tuple kept is one more
object for the collector to visit, and the application's collections are not ours to bring forward.
Strings, numbers and classes only: an object of the application's would live longer for being here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

Event = tuple[str, int, int, int, "int | None", Any, Any, str]
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
        "calling",
        "closed",
        "ending",
        "events",
        "first",
        "ident",
        "last_error",
        "limit",
        "modules",
        "number",
        "response_id",
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
        self.births: list[Any] = []
        self.seen: list[int | tuple[int, int]] = []
        """Tokens used without a stage of their own; with the thread's, if not `single`."""
        self.first = 0
        """The first token given out in it: lower ones are older than the request."""
        self.limit = 0
        """Births with a token beyond this are not watched; 0 when the request is over."""
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
        self.response_id = 0
        self.rows = 0
        """Model instances watched so far."""
        self.size: int | None = None
        self.status: int | None = None
        self.streaming = False
        self.uncounted = 0
        self.view: tuple[str, str, str | None] | None = None
        """What resolving found: (dotted path of the view, route, URL name)."""
        self.view_token: int | None = None
