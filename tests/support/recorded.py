"""Made-up requests, as they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.model import Birth, Request, Span
from tracer.model.recorded import Kind, RecordedRequests, What


def alone(
    number: int,
    begun: int,
    closed: int,
    size: int | None = None,
    viewed: int | None = None,
    responded: int | None = None,
    **others: Any,
) -> RecordedRequests:
    """Returns one request as it is recorded; `others` are further fields."""
    usual = {"method": "GET", "path": "/", "status": 200, "thread": 1, "watching": 0}
    return RecordedRequests(
        numbers=[number],
        begun=[begun],
        closed=[closed],
        sizes=[size],
        viewed=[viewed],
        responded=[responded],
        **{"whats": (), "kinds": (), "seen": (), **usual, **others},
    )


def recorded(request: Request) -> RecordedRequests:
    """Returns what `request` is assembled of."""
    home = request.thread
    spans = [request.spans[index] for index in _as_they_ended(request.spans)]
    births = request.births
    several = any(span.thread != home for span in spans)
    apart = any(thread != home for _, thread in request.seen)
    return alone(
        number=request.number,
        method=request.method,
        path=request.path,
        status=request.status,
        thread=home,
        begun=request.begun,
        closed=request.closed,
        size=request.size,
        watching=request.watching,
        viewed=None,
        responded=None,
        starts=[request.begun + span.start for span in spans],
        ends=[request.begun + span.end for span in spans],
        whats=tuple(map(_what, spans)),
        tokens=[birth.token for birth in births],
        kinds=tuple(_kind(birth, home) for birth in births),
        marks=[0] * len(births),
        seen=tuple([token for token, _ in request.seen]),
        ending=request.ending,
        uncounted=request.uncounted,
        threads=[span.thread for span in spans] if several else None,
        seen_on=[thread for _, thread in request.seen] if apart else None,
        imports=list(request.imports),
        by_import=[(module, list(tokens)) for module, tokens in request.by_import],
    )


def _as_they_ended(spans: Sequence[Span], parent: int | None = None) -> list[int]:
    """Returns the indexes of spans, each after those inside it."""
    found = []
    for index, span in enumerate(spans):
        if span.parent == parent:
            found += [*_as_they_ended(spans, index), index]
    return found


def _what(span: Span) -> What:
    """Returns a stage whose name and detail are words already."""
    return span.stage, span.object, span.name, span.detail, span.error


def _kind(birth: Birth, home: int) -> Kind:
    thread = None if birth.thread == home else birth.thread
    label = birth.name.removesuffix(" view") if birth.kind == "view" else birth.name
    label = label.removeprefix("lazy object of ")
    return birth.kind, birth.cls, label, thread, birth.owner, birth.mortal
