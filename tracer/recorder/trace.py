"""One request in flight: raw tuples in lists, and nothing else.

Each entry of `Trace.events` is one finished stage,
`(stage, start, end, thread, token, name, detail, error)`, and each of `Trace.births` is
`(token, kind, type, label, at, thread, owner, mortal)`. Both hold strings, numbers and classes,
never an object of the application's, for that would lengthen the life being measured.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

Event = tuple[str, int, int, int, "int | None", Any, Any, str]
RawBirth = tuple[int, str, type, "str | None", int, int, "int | None", bool]

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
        "ident",
        "last_error",
        "limit",
        "modules",
        "number",
        "response_id",
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
        self, number: int, begun: int, thread: int, ident: int, told: tuple[str, str, str]
    ) -> None:
        """`told` is (method, path, query string)."""
        self.number = number
        self.begun = begun
        self.thread = thread
        self.ident = ident
        self.told = told
        self.events: list[Event] = []
        self.add: Callable[[Event], None] = self.events.append
        self.births: list[RawBirth] = []
        self.seen: list[int | tuple[int, int]] = []
        """Tokens used without a stage of their own; with the thread's, if not `single`."""
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
        self.modules: list[str] = []
        self.response_id = 0
        self.size: int | None = None
        self.status: int | None = None
        self.streaming = False
        self.uncounted = 0
        self.view: tuple[str, str, str | None] | None = None
        """What resolving found: (dotted path of the view, route, URL name)."""
        self.view_token: int | None = None
