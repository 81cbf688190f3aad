"""Requests as they were recorded, of which a journal's lines are written."""

from __future__ import annotations

from typing import Any

from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace


class Thing:
    """Something that is watched."""


def made(recorder: Recorder, *events: Any, **changes: Any) -> Trace:
    """One finished request with these stages."""
    trace = recorder.begin(("GET", "", "/café/", "q=\udcff"))
    for event in events:
        trace.add(event)
    for name, value in changes.items():
        setattr(trace, name, value)
    recorder.finish(trace)
    return trace


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
