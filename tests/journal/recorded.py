"""Traces of requests, from which the journal's lines are written."""

from __future__ import annotations

from copy import copy
from typing import Any

from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace


class Thing:
    """A class whose objects are watched."""


def made(recorder: Recorder, *events: Any, **changes: Any) -> Trace:
    """Records and returns a finished request with these stages; births name their classes."""
    trace = recorder.begin(("GET", "", "/café/", "q=\udcff"))
    for event in events:
        trace.add(event)
    for name, value in changes.items():
        setattr(trace, name, value)
    trace.births[3::5] = map(recorder.classes.number, trace.births[3::5])
    recorder.finish(trace)
    return trace


def once_more(trace: Trace) -> Trace:
    """Returns a request like this one that began right after it.

    It has its own times and objects, and imported nothing.
    """
    later, tokens = trace.closed - trace.begun + 1, max([trace.first, *trace.births[1::5]])

    def own(token: Any) -> Any:
        return token + tokens - trace.first + 1 if token and token >= trace.first else token

    other = copy(trace)
    other.number, other.modules, other.by_import = trace.number + 1, None, None
    other.begun, other.closed = trace.begun + later, trace.closed + later
    other.first = own(trace.first)
    other.responded, other.viewed = own(trace.responded), own(trace.viewed)
    other.seen = [own(token) for token in trace.seen]
    other.births = trace.births[:]
    other.births[1::5] = map(own, trace.births[1::5])
    other.events = trace.events[:]
    other.events[0::3] = [start + later for start in trace.events[0::3]]
    other.events[1::3] = [end + later for end in trace.events[1::3]]
    other.events[2::3] = [(what[0], own(what[1]), *what[2:]) for what in trace.events[2::3]]
    return other


STAGES = (
    (30, 40, ("middleware", 5, "Inner", "", "")),
    (20, 50, ("middleware", 4, 'Outer "quoted"', "", "")),
    (20, 50, ("view", None, None, "", "ValueError")),
    (60, 60, ("response", 9, "HttpResponse", 200, "")),
    (55, 70, ("query", None, "SELECT 1 FROM cafe_dish", ("default", -1), "")),
    (70, 70, ("rows", None, 20, "", "")),
    (75, 80, ("transaction", None, "BEGIN", "default", "")),
    (90, 95, ("cache", 3, "get", ("key", "hit"), "")),
)
