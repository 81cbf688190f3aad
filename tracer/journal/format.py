r"""The journal's format, version 1: one fact a line, as JSON in ASCII.

The first line of a file is a header, `{"format":1,"journal":"tracer"}`. Every other line is an
object whose "fact" names the type and whose other keys are that type's fields, as
`tracer.model.facts` documents them:

    {"fact":"process_started","pid":4711,"parent":4700,"server":"gunicorn",...}
    {"fact":"barrier","at":81234567,"by":"collector"}

The many small parts of a fact are rows, arrays in a fixed order that leave off what is as usual at
their end:

- "spans", in a request: `[stage, name, parent, start, length, object, detail, thread, error]`;
  `length` is end minus start; a thread that is missing or null is the request's.
- "births", in a request or in `built`: `[token, cls, name, kind, at, thread, phase, owner,
  mortal]`; a null name is the last part of `cls`, `at` counts from the request's "begun" or
  the fact's "at", a thread that is missing or null is the request's or the fact's "thread", a
  missing or null phase is "request".
- "seen", in a request: object and thread tokens in turn, in one array.
- "heaviest", in `boot`: `[name, own, total]`; its "spans" are rows as in a request, on thread 0.
- "deaths": `[token, at, how, ident]`; `at` counts from the fact's "at", a missing ident is the
  fact's "ident".

A request that its process could not write any more is told by the flight record beside the file
(`tracer.journal.flight_record`).

A line stands for itself: any line can be lost without harm to the others. A reader ignores keys,
further row elements and facts that it does not know; what would change the meaning of those it
does know takes a new version number. Lone surrogates, as in undecodable paths, come back as they
were, unless two of them side by side spell one character: JSON cannot tell those apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, cast

from tracer.journal.rows import (
    FIELDS,
    Unreadable,
    birth_from,
    birth_row,
    check,
    death_from,
    death_row,
    pairs,
    span_from,
    span_row,
)
from tracer.model.facts import (
    Barrier,
    Boot,
    Built,
    Deaths,
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

_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode

_PLAIN: Final[dict[type, str]] = {
    ProcessStarted: "process_started",
    Barrier: "barrier",
    Held: "held",
    Named: "named",
    ThreadSeen: "thread_seen",
    Ended: "ended",
}
_TYPES: Final[dict[str, type]] = {name: kind for kind, name in _PLAIN.items()}
_ROWS: Final = ("spans", "births", "seen", "imports")
_REQUEST_HEAD: Final = tuple(name for name in FIELDS[Request] if name not in _ROWS)


class UnknownFact(Unreadable):
    """The line holds a kind of fact that this version does not know; it is no fault."""


class UnknownFormat(Exception):
    """The header names a version that cannot be read; the argument is that version."""


def encode(fact: Fact) -> bytes:
    """Returns `fact` as one line, newline included. Raises TypeError for what JSON cannot hold."""
    if isinstance(fact, Request):
        document = _request(fact)
    elif isinstance(fact, Deaths):
        document = _deaths(fact)
    elif isinstance(fact, Built):
        document = _built(fact)
    elif isinstance(fact, Boot):
        document = _boot(fact)
    else:
        document = {"fact": _PLAIN[type(fact)]}
        for name in FIELDS[type(fact)]:
            document[name] = getattr(fact, name)
    return (_dumps(document) + "\n").encode("ascii")


def _request(fact: Request) -> dict[str, Any]:
    home = fact.thread
    begun = fact.begun
    document: dict[str, Any] = {"fact": "request"}
    for name in _REQUEST_HEAD:
        document[name] = getattr(fact, name)
    document["spans"] = [span_row(span, home) for span in fact.spans]
    document["births"] = [birth_row(birth, begun, home) for birth in fact.births]
    document["seen"] = [token for pair in fact.seen for token in pair]
    if fact.imports:
        document["imports"] = fact.imports
    return document


def _built(fact: Built) -> dict[str, Any]:
    at, home = (fact.births[0].at, fact.births[0].thread) if fact.births else (0, 0)
    rows = [birth_row(birth, at, home) for birth in fact.births]
    return {"fact": "built", "at": at, "thread": home, "births": rows}


def _boot(fact: Boot) -> dict[str, Any]:
    document: dict[str, Any] = {"fact": "boot"}
    for name in FIELDS[Boot]:
        document[name] = getattr(fact, name)
    document["spans"] = [span_row(span, 0) for span in fact.spans]
    document["heaviest"] = [[each.name, each.own, each.total] for each in fact.heaviest]
    return document


def _deaths(fact: Deaths) -> dict[str, Any]:
    at, ident = (fact.deaths[0].at, fact.deaths[0].ident) if fact.deaths else (0, 0)
    rows = [death_row(death, at, ident) for death in fact.deaths]
    return {"fact": "deaths", "at": at, "ident": ident, "deaths": rows}


def read_header(line: bytes) -> None:
    """Checks a file's first line. Raises UnknownFormat or, where it is none of ours, Unreadable."""
    document = _object(line)
    if document.get("journal") != "tracer" or "format" not in document:
        raise Unreadable("not the header of a journal")
    if document["format"] != VERSION:
        raise UnknownFormat(document["format"])


def decode(line: bytes) -> Fact:
    """Returns the fact on this line. Raises UnknownFact, or Unreadable for torn and junk lines."""
    document = _object(line)
    name = document.get("fact")
    if not isinstance(name, str):
        raise Unreadable("not a fact")
    decoder = _DECODERS.get(name)
    if decoder is None and name not in _TYPES:
        raise UnknownFact(name)
    try:
        return decoder(document) if decoder else cast("Fact", _plain(_TYPES[name], document))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unreadable(f"not a whole {name}: {error}") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


def _plain(kind: type, document: dict[str, Any]) -> object:
    known = {name: document[name] for name in FIELDS[kind] if name in document}
    return check(kind(**known))


def _decode_request(document: dict[str, Any]) -> Fact:
    head = {name: document[name] for name in _REQUEST_HEAD if name in document}
    begun, home = document["begun"], document["thread"]
    return check(
        Request(
            **head,
            spans=_spans(document, home),
            births=tuple(birth_from(row, begun, home) for row in _list(document, "births")),
            seen=pairs(_list(document, "seen")),
            imports=_words(_list(document, "imports", ())),
        )
    )


def _spans(document: dict[str, Any], home: int) -> tuple[Span, ...]:
    spans = tuple(span_from(row, home) for row in _list(document, "spans"))
    if any(span.parent is not None and not 0 <= span.parent < len(spans) for span in spans):
        raise ValueError("a span's parent does not exist")
    return spans


def _decode_boot(document: dict[str, Any]) -> Fact:
    known = {name: document[name] for name in FIELDS[Boot] if name in document}
    known["spans"] = _spans(document, 0)
    known["heaviest"] = tuple(check(Imported(*row[:3])) for row in _list(document, "heaviest"))
    return check(Boot(**known))


def _decode_built(document: dict[str, Any]) -> Fact:
    at, home = document["at"], document["thread"]
    return Built(tuple(birth_from(row, at, home) for row in _list(document, "births")))


def _decode_deaths(document: dict[str, Any]) -> Fact:
    at, ident = document["at"], document["ident"]
    return Deaths(tuple(death_from(row, at, ident) for row in _list(document, "deaths")))


def _list(document: dict[str, Any], key: str, default: Any = None) -> list[Any]:
    rows = document.get(key, default) if default is not None else document[key]
    if not isinstance(rows, list | tuple):
        raise TypeError(f"{key} is not an array")
    return cast("list[Any]", rows)


def _words(words: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(word, str) for word in words):
        raise TypeError("an array of strings has something else in it")
    return tuple(words)


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], Fact]]] = {
    "request": _decode_request,
    "built": _decode_built,
    "boot": _decode_boot,
    "deaths": _decode_deaths,
}
