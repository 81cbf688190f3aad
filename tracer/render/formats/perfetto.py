"""Processes in the trace-event format, which Perfetto and chrome://tracing open.

Each process has a track for each of its threads. Requests and their
stages are complete events, stages without duration are instants, and each object's life is an
asynchronous slice whose category is its scope. Times are microseconds since the first process was
started; the wall clock in `ProcessStarted` aligns the processes.

Complete events of one track must nest. Where they do not, as when an event loop's thread serves
several requests at a time, the thread gets further tracks: `MainThread (2)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tracer.model import Lifetime, Process, Request, Span
from tracer.render.layout.wording import clean

Event = dict[str, Any]

_APART = 10_000_000
"""Added to the pid of a process if an earlier process had that pid."""


def perfetto_text(processes: Iterable[Process]) -> Iterator[str]:
    """Yields the trace as JSON, part after part: a line for each event."""
    began, taken = 0, set[int]()
    mark = '{"displayTimeUnit":"ms","traceEvents":['
    for index, process in enumerate(processes):
        began = began or round(process.about.started * 1e9)
        number = process.about.pid
        while number in taken:
            number += _APART
        taken.add(number)
        for event in _ProcessEvents(process, number).events(index):
            if "ts" in event:
                event["ts"] = (event["ts"] - began) / 1000
            if "dur" in event:
                event["dur"] = event["dur"] / 1000
            yield f"{mark}\n{json.dumps(event, separators=(',', ':'))}"
            mark = ","
    if mark != ",":
        yield mark
    time = datetime.fromtimestamp(began / 1e9, UTC).isoformat(timespec="milliseconds")
    yield f'],"otherData":{{"began":"{time}"}}}}\n'


@dataclass(slots=True)
class _Track:
    """A track of a thread, with the complete events that are open on it."""

    tid: int
    open: list[tuple[int, int]] = field(default_factory=list)
    """(end, request) of each open event, the outermost first."""

    def add_if_nested(self, start: int, end: int, request: int) -> bool:
        """Adds an event if it nests here in events of its own request; returns whether it did."""
        while self.open and self.open[-1][0] <= start:
            self.open.pop()
        if self.open and (self.open[-1][0] < end or self.open[-1][1] != request):
            return False
        self.open.append((end, request))
        return True


@dataclass(slots=True)
class _Slice:
    """A stage or a request that has no track yet. Its times are of the wall clock."""

    start: int
    end: int
    thread: int
    request: int
    what: Request | Span
    tid: int = 0
    """Its track, once it has one."""


def _slice(span: Span, begun: int, request: int) -> _Slice:
    start = begun + span.start
    return _Slice(start, max(begun + span.end, start), span.thread, request, span)


class _ProcessEvents:
    """The events of one process; their `ts` and `dur` are nanoseconds, and count from the epoch."""

    def __init__(self, process: Process, number: int) -> None:
        self.process = process
        self.pid = number
        self.offset = _offset(process)
        self.names = {token: clean(name) for token, name in process.threads.items()}
        self.tracks: dict[int, list[_Track]] = {}
        self.next = 0
        """The next free number for a track; lower ones are threads' own."""

    def events(self, index: int) -> Iterator[Event]:
        """Yields the events, names first. `index` orders the processes."""
        slices = [*self._boot(), *self._requests()]
        slices.sort(key=lambda each: (each.start, -each.end))
        self.next = 1 + max([0, *self.names, *(each.thread for each in slices)])
        for each in slices:
            self._put_on_track(each)
        yield from self._names(index)
        yield from map(self._event, slices)
        yield from self._barriers()
        yield from self._lives(max((each.end for each in slices), default=0))

    def _names(self, index: int) -> Iterator[Event]:
        about = self.process.about
        name = clean(f"{about.server} {about.mode}".strip())
        yield self._named("process_name", name=f"{name} · pid {about.pid}")
        yield self._named("process_labels", labels=f"Python {about.python}, Django {about.django}")
        yield self._named("process_sort_index", sort_index=index)
        order = 0
        for token, tracks in sorted(self.tracks.items()):
            for count, track in enumerate(tracks, 1):
                again = f" ({count})" if count > 1 else ""
                name = self.names.get(token) or ("boot" if token == 0 else f"thread {token}")
                yield self._named("thread_name", track.tid, name=name + again)
                yield self._named("thread_sort_index", track.tid, sort_index=order)
                order += 1

    def _named(self, what: str, tid: int = 0, **args: object) -> Event:
        return {"ph": "M", "name": what, "pid": self.pid, "tid": tid, "args": args}

    # -- stages -------------------------------------------------------------------------------

    def _boot(self) -> Iterator[_Slice]:
        boot = self.process.boot
        for span in boot.spans if boot else ():
            assert boot is not None
            yield _slice(span, boot.begun + self.offset, 0)

    def _requests(self) -> Iterator[_Slice]:
        for request in self.process.requests:
            self.names.setdefault(request.thread, clean(request.thread_name))
            begun = request.begun + self.offset
            end = begun + max(request.duration, 0)
            yield _Slice(begun, end, request.thread, request.number, request)
            for span in request.spans:
                yield _slice(span, begun, request.number)

    def _stage(self, span: Span, request: int) -> Event:
        args: dict[str, object] = {"request": request} if request else {}
        for name, text in (("detail", span.detail), ("raises", span.error)):
            if text:
                args[name] = clean(text)
        if span.object is not None:
            args["object"] = _id(self.pid, span.object)
        return {"name": clean(span.name), "cat": clean(span.stage), "args": args}

    def _put_on_track(self, each: _Slice) -> None:
        """Puts a slice on the first of its thread's tracks on which it nests."""
        tracks = self.tracks.setdefault(each.thread, [_Track(each.thread)])
        if each.end <= each.start:
            each.tid = self._track_of(tracks, each.request)
            return
        for track in tracks:
            if track.add_if_nested(each.start, each.end, each.request):
                break
        else:
            track = _Track(self.next, [(each.end, each.request)])
            tracks.append(track)
            self.next += 1
        each.tid = track.tid

    def _event(self, each: _Slice) -> Event:
        what = each.what
        event = _request(what) if isinstance(what, Request) else self._stage(what, each.request)
        event |= {"pid": self.pid, "ts": each.start, "tid": each.tid}
        if each.end <= each.start:
            return event | {"ph": "i", "s": "t"}
        return event | {"ph": "X", "dur": each.end - each.start}

    def _track_of(self, tracks: Sequence[_Track], request: int) -> int:
        """Returns the track on which a request's events are open."""
        here = (track.tid for track in tracks if track.open and track.open[-1][1] == request)
        return next(here, tracks[0].tid)

    # -- objects ------------------------------------------------------------------------------

    def _barriers(self) -> Iterator[Event]:
        for barrier in self.process.barriers:
            yield {
                "ph": "i",
                "s": "p",
                "name": "full collection",
                "cat": "collection",
                "pid": self.pid,
                "tid": 0,
                "ts": barrier.at + self.offset,
                "args": {"by": clean(barrier.by)},
            }

    def _lives(self, end: int) -> Iterator[Event]:
        """Yields two events for each object; a living object ends with the process's last event."""
        lives = self.process.lifetimes
        known = (at for life in lives for at in (life.built_at, life.died_at) if at is not None)
        last = max([end, *(at + self.offset for at in known)])
        for life in lives:
            born = life.built_at + self.offset
            died = last if life.died_at is None else max(life.died_at + self.offset, born)
            life_of = {
                "name": clean(life.name),
                "cat": life.scope,
                "id": _id(self.pid, life.id),
                "pid": self.pid,
                "tid": life.thread,
            }
            yield {**life_of, "ph": "b", "ts": born, "args": _about(life)}
            freed = clean(life.freed) if life.freed else "still alive"
            yield {**life_of, "ph": "e", "ts": died, "args": {"freed": freed}}


def _offset(process: Process) -> int:
    """Returns the nanoseconds to add to the process's monotonic clock for time since the epoch."""
    return round(process.about.started * 1e9) - process.about.begun


def _request(request: Request) -> Event:
    args: dict[str, object] = {
        "number": request.number,
        "path": clean(request.path),
        "status": request.status,
        "bytes": request.size,
        "ending": clean(request.ending),
        "watching_ms": request.watching / 1e6,
    }
    if request.imports:
        args["imported"] = [clean(name) for name in request.imports]
    name = clean(f"{request.method} {request.path}")
    return {"name": name, "cat": "request", "args": args}


def _about(life: Lifetime) -> dict[str, object]:
    args: dict[str, object] = {
        "class": clean(life.cls),
        "kind": clean(life.kind),
        "built in": f"request {life.built_in}" if life.built_in is not None else life.phase,
        "requests that used it": life.requests,
    }
    if life.held_by:
        args["held by"] = clean(life.held_by)
    return args


def _id(pid: int, token: int) -> str:
    return f"0x{pid:x}{token & 0xFFFFFFFF:08x}"
