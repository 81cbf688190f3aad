"""The trace of one request, as it was recorded: two flat lists, a few words, and nothing else.

Each three entries of `Trace.events` are one finished stage, `(start, end, what)`, where `what` is
`(stage, token, name, detail, error)`: the same tuple each time where nothing in it changes. Each
five of `Trace.births` are one object, `(mark, token, kind, class, details)`:

- The mark is the object's weak reference while it lives and then the time of its death, negative if
  the collector freed it; None if something else reports its end.
- The class is a number (see `tracer.recorder.classes`).
- `details` is the label or, if there is more to say, `(label, thread, owner, mortal)`.

The lists are flat, for each tuple kept is one more object that the garbage collector must visit. So
the four words of a request's address are four attributes, and what resolving found is one tuple for
all requests that find the same. Strings and numbers only: any other object of the application's
would live longer for being held here.

Only the recorder writes these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from tracer.model.recorded import What

Event = tuple[int, int, What]
"""(start, end, what)"""
RawBirth = tuple[int, str, int, tuple["str | None", int, "int | None", bool], int]
"""Outside any request: (token, kind, number of its class, (label, thread, owner, mortal), at)."""


class Trace:
    """What was recorded of one request so far. `tracer.recorder.trace` makes one."""

    __slots__ = (
        "add",
        "add_birth",
        "awaited",
        "begun",
        "births",
        "built",
        "built_token",
        "by_import",
        "closed",
        "ending",
        "events",
        "extend",
        "first",
        "handler_runs",
        "ident",
        "last_error",
        "last_resolver",
        "method",
        "modules",
        "number",
        "other_threads",
        "path",
        "query",
        "repeated_lookups",
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
    by_import: list[tuple[str, int, int, int]] | None
    """(module, thread, first, last) of imports that built something: indexes into `births`."""
    last_resolver: Any
    """Of the resolver that `reverse()` found last; None when it is no longer `single`."""
    repeated_lookups: int
    """How often `reverse()` found the same resolver again at once."""
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
    add_birth: Callable[[tuple[Any, ...]], None]
    """Notes one birth, of an object that lives."""
    seen: Any
    """List of tokens used without a stage of their own; with the thread's, if not `single`."""
    other_threads: list[Any] | None
    """`(thread, start, end, what)` of stages that came when it was no longer `single`."""
    first: int
    """The first token given out in it: lower ones are older than the request."""
    closed: int
    """When it was finished; 0 while it is in flight."""
    single: bool
    """Everything so far happened on the thread it began on, so no thread is noted."""
    handler_runs: bool
    """Its handler has not returned."""
    awaited: bool
    """Its handler is a coroutine, which finishes it."""
    ending: str
    last_error: int
    modules: list[str] | None
    built: Any
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
