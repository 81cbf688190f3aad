"""Processes as one JSON document, for other programs."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, cast

from tracer.model import Boot, Fate, LedgerRow, Lifetime, Process, Request, Span
from tracer.model.recorded import CUT_OFF
from tracer.model.requests import heads

FORMAT = 1
"""Version of the document; it changes when a field goes away or changes its meaning."""


def document(processes: Iterable[Process]) -> dict[str, Any]:
    """Returns the document. Times of day are ISO 8601 in UTC, durations are in milliseconds.

    An `object`, an `owner` and what is `used` are `id`s of the process's `lifetimes`, or None.
    """
    return cast("dict[str, Any]", _whole(document_in_parts(processes)))


def document_in_parts(processes: Iterable[Process]) -> dict[str, Any]:
    """Returns the same with iterators for lists of processes, requests and lifetimes.

    A document may be larger than memory.
    """
    return {"format": FORMAT, "processes": map(_process, processes)}


def json_text(processes: Iterable[Process]) -> Iterator[str]:
    """Yields the document as text, part after part: a line for each request and each lifetime."""
    yield from _text(document_in_parts(processes))
    yield "\n"


def _whole(value: Any) -> Any:
    if isinstance(value, Iterator):
        return [_whole(each) for each in value]
    return {name: _whole(each) for name, each in value.items()} if type(value) is dict else value


def _text(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and any(isinstance(each, Iterator) for each in value.values()):
        for number, (name, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}\n{json.dumps(name)}: "
            yield from _text(each)
        yield "\n}"
    elif isinstance(value, Iterator):
        mark = "["
        for each in value:
            yield f"{mark}\n"
            yield from _text(each)
            mark = ","
        yield "]" if mark == "," else "[]"
    else:
        yield json.dumps(value)


def _process(process: Process) -> dict[str, Any]:
    about = process.about
    known = {life.id for life in process.lifetimes}
    known_of = heads(process.requests)
    begins = sorted((request.begun, request.number) for request in known_of)
    return {
        "pid": about.pid,
        "name": process.name,
        "parent": about.parent,
        "server": about.server,
        "mode": about.mode,
        "python": about.python,
        "django": about.django,
        "started": _time(about.started),
        "inherited": about.inherited,
        "urlconf": about.urlconf,
        "application": about.application,
        "served": process.served,
        "cut_off": sum(request.ending == CUT_OFF for request in known_of),
        "ended": process.ended,
        "alive": process.alive,
        "heard": _time(process.moment(process.heard)),
        "requests": (_request(process, request, known) for request in process.requests),
        "lifetimes": (_lifetime(process, life, begins) for life in process.lifetimes),
        "ledger": [_ledger_row(row) for row in process.ledger],
        "boot": _boot(process, process.boot, known) if process.boot else None,
        "barriers": len(process.barriers),
        "walks": process.walks,
        "walked_upto": process.walked_upto,
        "forced": sum(barrier.by == "tracer" for barrier in process.barriers),
    }


def _request(process: Process, request: Request, known: set[int]) -> dict[str, Any]:
    fate = process.fates.get(request.number, Fate())
    return {
        "number": request.number,
        "method": request.method,
        "path": request.path,
        "status": request.status,
        "thread": request.thread_name,
        "started": _time(request.started),
        "duration_ms": _milliseconds(request.duration),
        "bytes": request.size,
        "watching_ms": _milliseconds(request.watching),
        "born": fate.born,
        "freed_with_response": fate.freed_with_response,
        "freed_by_collector": fate.freed_by_collector,
        "freed_late": fate.freed_late,
        "waiting_for_collector": len(fate.waiting),
        "kept": len(fate.kept),
        "stayed": len(fate.stayed),
        "imports": len(request.imports),
        "imported": list(request.imports),
        "used": sorted({token for token, _ in request.seen} & known),
        "ending": request.ending,
        "uncounted": request.uncounted,
        "spans": [_span(process, span, known) for span in request.spans],
    }


def _span(process: Process, span: Span, known: set[int]) -> dict[str, Any]:
    return {
        "stage": span.stage,
        "name": span.name,
        "parent": span.parent,
        "start_ms": _milliseconds(span.start),
        "end_ms": _milliseconds(span.end),
        "object": span.object if span.object in known else None,
        "thread": process.threads.get(span.thread),
        "detail": span.detail,
        "error": span.error or None,
    }


def _lifetime(process: Process, life: Lifetime, begins: list[tuple[int, int]]) -> dict[str, Any]:
    after = 0
    if life.built_in is None and life.phase not in ("before", "inherited"):
        after = bisect_right(begins, life.built_at, key=itemgetter(0))
    return {
        "id": life.id,
        "name": life.name,
        "class": life.cls,
        "kind": life.kind,
        "scope": life.scope,
        "phase": life.phase,
        "built_in": life.built_in,
        "built_after": begins[after - 1][1] if after else None,
        "freed": life.freed,
        "freed_after": life.freed_after,
        "freed_in": life.freed_in,
        "requests": life.requests,
        "last_request": life.last_request,
        "thread": process.threads.get(life.thread),
        "threads": life.threads,
        "held_by": life.held_by,
        "owner": life.owner,
        "mortal": life.mortal,
        "survived": life.survived,
        "spot": life.spot,
        "root": life.root,
        "is_held": life.is_held,
        "one_at_a_time": life.one_at_a_time,
        "by_import": life.by_import,
        "outlived_by": life.outlived_by,
        "earlier": life.earlier,
    }


def _ledger_row(row: LedgerRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "class": row.cls,
        "kind": row.kind,
        "built": row.built,
        "alive": row.alive,
        "scopes": dict(row.scopes),
        "freed": dict(row.freed),
        "first_phase": row.first_phase,
        "first_built": row.first_built,
        "requests": row.requests,
    }


def _boot(process: Process, boot: Boot, known: set[int]) -> dict[str, Any]:
    return {
        "spans": [_span(process, span, known) for span in boot.spans],
        "modules": boot.modules,
        "importing_ms": _milliseconds(boot.importing),
        "watching_ms": _milliseconds(boot.watching),
        "heaviest": [
            {
                "name": each.name,
                "own_ms": _milliseconds(each.own),
                "total_ms": _milliseconds(each.total),
            }
            for each in boot.heaviest
        ],
    }


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 6)


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
