r"""The journal's format, version 1: one fact a line, as JSON in ASCII.

The first line of a file is a header, `{"format":1,"journal":"tracer"}`. Every other line is an
object whose "fact" names the type and whose other keys are that type's fields, as
`tracer.model.facts` documents them:

    {"fact":"process_started","pid":4711,"parent":4700,"server":"gunicorn",...}
    {"fact":"barrier","at":81234567,"by":"collector"}

The many small parts of a fact are rows: arrays in a fixed order, which leave off usual values at
their end:

- "spans", in a request: `[stage, name, parent, start, length, object, detail, thread, error]`;
  `length` is end minus start; a thread that is missing or null is the request's.
- "births", in a request or in `built`: `[token, cls, name, kind, at, thread, phase, owner,
  mortal]`; a null name is the last part of `cls`, `at` counts from the request's "begun" or
  the fact's "at", a thread that is missing or null is the request's or the fact's "thread", a
  missing or null phase is "request".
- "seen", in a request: object and thread tokens in turn, in one array.
- "heaviest", in `boot`: `[name, own, total]`; its "spans" are rows as in a request, on thread 0.
- "by_import", in a request: `[module, token, …]`.
- "found", in `walk`: `[token, path, spot, root, thread, storage]`; a null spot is the path, a
  missing root is "module". "lost", and "tokens" in `replaced` and `ended_with_thread`: tokens.
- "deaths": `[token, at, how, ident]`; `at` counts from the fact's "at", a missing ident is the
  fact's "ident".

If a process is killed before it has written a request, the flight record beside the file holds
the beginning of that request (`tracer.journal.flight_record`).

No line depends on another: any can be lost without harm to the rest. A reader ignores keys,
further row elements and facts that it does not know; what would change the meaning of those it
does know takes a new version number. Lone surrogates, as in undecodable paths, are read as they
were written, except that two of them side by side may spell one character: JSON cannot
distinguish the two.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final, TypeAlias, get_args

from tracer.model.facts import (
    Barrier,
    Birth,
    Died,
    Ended,
    Fact,
    Held,
    Imported,
    Named,
    ProcessStarted,
    Request,
    Span,
    ThreadSeen,
)

VERSION: Final = 1
HEADER: Final = b'{"format":1,"journal":"tracer"}\n'

Row: TypeAlias = list[Any]
"""A small part of a fact, as an array."""

FIELDS: Final[dict[type, tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (*get_args(Fact), Birth, Died, Held, Imported, Span)
}
"""The names of each fact's fields, in order."""

PLAIN: Final[dict[type, str]] = {
    ProcessStarted: "process_started",
    Barrier: "barrier",
    Named: "named",
    ThreadSeen: "thread_seen",
    Ended: "ended",
}
"""The facts without rows, and their names."""

REQUEST_FIELDS: Final = tuple(
    name
    for name in FIELDS[Request]
    if name not in ("spans", "births", "seen", "imports", "by_import")
)
"""The fields of a request that are not rows."""
