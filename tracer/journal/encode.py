"""Encodes facts as lines of the journal; `tracer.journal.format` documents them.

Encoding takes time that a server would use for requests, so these functions do as little as they
can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tracer.journal.format import FIELDS, PLAIN, REQUEST_FIELDS, Row
from tracer.model.facts import (
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    EndedWithThread,
    Fact,
    Held,
    Replaced,
    Request,
    Span,
    Walk,
)

_dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


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
    elif isinstance(fact, Walk):
        document = _walk(fact)
    elif isinstance(fact, Replaced):
        document = {"fact": "replaced", "tokens": fact.tokens}
    elif isinstance(fact, EndedWithThread):
        document = {"fact": "ended_with_thread", "thread": fact.thread, "tokens": fact.tokens}
    else:
        document = {"fact": PLAIN[type(fact)]}
        for name in FIELDS[type(fact)]:
            document[name] = getattr(fact, name)
    return (_dumps(document) + "\n").encode("ascii")


def _request(fact: Request) -> dict[str, Any]:
    home = fact.thread
    begun = fact.begun
    document: dict[str, Any] = {"fact": "request"}
    for name in REQUEST_FIELDS:
        document[name] = getattr(fact, name)
    document["spans"] = [_span_row(span, home) for span in fact.spans]
    document["births"] = [birth_row(birth, begun, home) for birth in fact.births]
    document["seen"] = [token for pair in fact.seen for token in pair]
    if fact.imports:
        document["imports"] = fact.imports
    if fact.by_import:
        document["by_import"] = by_import_rows(fact.by_import)
    return document


def by_import_rows(by_import: Iterable[tuple[str, tuple[int, ...]]]) -> list[Row]:
    """Returns what imports built as rows, see `tracer.model.Request.by_import`."""
    return [[module, *tokens] for module, tokens in by_import]


def _walk(fact: Walk) -> dict[str, Any]:
    return {
        "fact": "walk",
        "begun": fact.begun,
        "ended": fact.ended,
        "found": [_held_row(held) for held in fact.found],
        "lost": fact.lost,
    }


def _held_row(held: Held) -> Row:
    row: Row = [held.token, held.path, None if held.spot == held.path else held.spot]
    if held.root != "module" or held.thread or held.storage or held.keyed:
        row += (held.root, held.thread, held.storage)
    if held.keyed:
        row.append(True)
    return row


def _deaths(fact: Deaths) -> dict[str, Any]:
    at, ident = (fact.deaths[0].at, fact.deaths[0].ident) if fact.deaths else (0, 0)
    rows = [_death_row(death, at, ident) for death in fact.deaths]
    return {"fact": "deaths", "at": at, "ident": ident, "deaths": rows}


def _built(fact: Built) -> dict[str, Any]:
    at, home = (fact.births[0].at, fact.births[0].thread) if fact.births else (0, 0)
    rows = [birth_row(birth, at, home) for birth in fact.births]
    return {"fact": "built", "at": at, "thread": home, "births": rows}


def _boot(fact: Boot) -> dict[str, Any]:
    document: dict[str, Any] = {"fact": "boot"}
    for name in FIELDS[Boot]:
        document[name] = getattr(fact, name)
    document["spans"] = [_span_row(span, 0) for span in fact.spans]
    document["heaviest"] = [[each.name, each.own, each.total] for each in fact.heaviest]
    return document


def _span_row(span: Span, home: int) -> Row:
    """Returns a span as a row; its thread is left off if it is `home`."""
    row: Row = [span.stage, span.name, span.parent, span.start, span.end - span.start]
    if span.error:
        thread = None if span.thread == home else span.thread
        row += (span.object, span.detail, thread, span.error)
    elif span.thread != home:
        row += (span.object, span.detail, span.thread)
    elif span.detail:
        row += (span.object, span.detail)
    elif span.object is not None:
        row.append(span.object)
    return row


def birth_row(birth: Birth, at: int, home: int) -> Row:
    """Returns a birth as a row; its time counts from `at`, its thread is left off if `home`."""
    cls = birth.cls
    name = None if cls.rpartition(".")[2] == birth.name else birth.name
    row: Row = [birth.token, cls, name, birth.kind, birth.at - at]
    if birth.thread != home or birth.phase != "request" or birth.owner is not None:
        thread = None if birth.thread == home else birth.thread
        row += (thread, birth.phase, birth.owner, birth.mortal)
    elif not birth.mortal:
        row += (None, None, None, False)
    return row


def _death_row(death: Died, at: int, ident: int) -> Row:
    """Returns a death as a row; its time counts from `at`, its thread is left off if `ident`."""
    row: Row = [death.token, death.at - at, death.how]
    if death.ident != ident:
        row.append(death.ident)
    return row
