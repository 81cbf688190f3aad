r"""The journal's format, version 2: one array a line, as JSON in ASCII.

The first line of a file is a header, `{"format":2,"journal":"tracer"}`. Every other line is an
array that begins with what it is:

- `["requests", [method, path, status, thread, watching, numbers, begun, durations, sizes], stages,
  kinds, seen, viewed, responded, starts, ends, tokens, marks, more]`: one or more finished requests
  that are alike, as `tracer.model.recorded.RecordedRequests` documents them. `stages` and `kinds`
  are each the number of a name. `starts` and `ends` count from a request's begin;
  of `tokens` in a row only each request's first is written. `more` is an object with the fields
  that are seldom needed: then the line has one request.
- `["names", first, name, …]`: names, numbered from `first` on, each an array: of a stage
  `[stage, token, name, detail, error]`, of a kind of birth `[kind, class, label, thread, owner,
  mortal]`, of several of either in a row their numbers. A name stands before the first line that
  refers to it.
- `["deaths", [at, how, tokens], …]`: `tracer.model.facts.Deaths`, those of one moment together.
- Any other line is a fact of `tracer.model.facts`: its name, then its fields in their order, parts
  of it as arrays likewise. Usual values may be left off at the end.

If a process is killed before it has written a request, the flight record beside the file holds
the beginning of that request (`tracer.journal.flight_record`).

A line can be lost without harm to the rest, but for names that others refer to. A reader ignores
further elements, and lines that it does not know; what would change the meaning of those it does
know takes a new version number. Lone surrogates, as in undecodable paths, are read as they
were written, except that two of them side by side may spell one character: JSON cannot
distinguish the two.
"""

from __future__ import annotations

from typing import Any, Final

from tracer.model.facts import (
    Barrier,
    Birth,
    Boot,
    Built,
    Ended,
    EndedWithThread,
    Held,
    Imported,
    Named,
    ProcessStarted,
    Replaced,
    SegmentBegan,
    Span,
    ThreadSeen,
    Walk,
)

VERSION: Final = 2
HEADER: Final = b'{"format":2,"journal":"tracer"}\n'
REQUESTS: Final = "requests"
NAMES: Final = "names"
DEATHS: Final = "deaths"

FACTS: Final[dict[str, type]] = {
    "process_started": ProcessStarted,
    "boot": Boot,
    "built": Built,
    "barrier": Barrier,
    "walk": Walk,
    "replaced": Replaced,
    "ended_with_thread": EndedWithThread,
    "named": Named,
    "thread_seen": ThreadSeen,
    "segment": SegmentBegan,
    "ended": Ended,
}
"""The other facts by name."""

_PARTS: Final[tuple[Any, ...]] = (*FACTS.values(), Birth, Held, Imported, Span)
FIELDS: Final[dict[type, tuple[str, ...]]] = {kind: kind.__match_args__ for kind in _PARTS}
"""The names of each fact's fields, and of each part's, in order."""

MORE: Final[tuple[tuple[str, object], ...]] = (
    ("ending", "closed"),
    ("uncounted", 0),
    ("threads", None),
    ("seen_on", None),
    ("imports", []),
    ("by_import", []),
)
"""The fields of a request that are seldom needed, and their usual values."""
