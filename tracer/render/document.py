"""Processes as one JSON document: what was seen, for programs to read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tracer.model import Fate, Lifetime, Process, Request, Span

FORMAT = 1
"""Version of the document; it changes when a field goes away or changes its meaning."""


def document(processes: Iterable[Process]) -> dict[str, Any]:
    """Return the document. Times of day are ISO 8601 in UTC, durations are in milliseconds.

    An `object` is the `id` of one of the process's `lifetimes`, or None.
    """
    return {"format": FORMAT, "processes": [_process(process) for process in processes]}


def _process(process: Process) -> dict[str, Any]:
    about = process.about
    known = {life.id for life in process.lifetimes}
    return {
        "pid": about.pid,
        "parent": about.parent,
        "server": about.server,
        "mode": about.mode,
        "python": about.python,
        "django": about.django,
        "started": _time(about.started),
        "inherited": about.inherited,
        "served": process.served,
        "ended": process.ended,
        "requests": [_request(process, request, known) for request in process.requests],
        "lifetimes": [_lifetime(life) for life in process.lifetimes],
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
        "waiting_for_collector": len(fate.waiting),
        "kept": len(fate.kept),
        "stayed": len(fate.stayed),
        "imports": len(request.imports),
        "imported": list(request.imports),
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


def _lifetime(life: Lifetime) -> dict[str, Any]:
    return {
        "id": life.id,
        "name": life.name,
        "class": life.cls,
        "kind": life.kind,
        "scope": life.scope,
        "phase": life.phase,
        "built_in": life.built_in,
        "freed": life.freed,
        "freed_after": life.freed_after,
        "freed_in": life.freed_in,
        "requests": life.requests,
        "held_by": life.held_by,
    }


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 6)


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
