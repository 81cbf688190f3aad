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
        "method",
        "modules",
        "number",
        "path",
        "query",
        "response_id",
        "seen",
        "size",
        "started",
        "status",
        "streaming",
        "thread",
        "uncounted",
        "view",
        "view_token",
    )

    def __init__(self, number: int, begun: int, started: float, thread: int, ident: int) -> None:
        self.number = number
        self.begun = begun
        self.started = started
        self.thread = thread
        self.ident = ident
        self.method = ""
        self.path = ""
        self.query = ""
        self.events: list[Event] = []
        self.add: Callable[[Event], None] = self.events.append
        self.births: list[RawBirth] = []
        self.seen: list[tuple[int, int]] = []
        self.modules: list[str] = []
        self.awaited = False
        """Its handler is a coroutine, which finishes it."""
        self.calling = True
        """Its handler has not returned."""
        self.closed = 0
        self.ending = "closed"
        self.last_error = 0
        self.response_id = 0
        self.size: int | None = None
        self.status: int | None = None
        self.streaming = False
        self.uncounted = 0
        self.view = ""
        self.view_token: int | None = None
