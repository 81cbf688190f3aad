"""Requests made by hand, and what they build."""

from __future__ import annotations

from tracer.probes.constructors import birth_recorder
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current


class Knot:
    """Holds itself: only the collector can free it."""

    def __init__(self) -> None:
        self.self = self


LEAK: list[Knot] = []


def build(recorder: Recorder, path: str) -> Knot:
    """Serves a request that builds one knot, and returns it."""
    trace = recorder.begin(("GET", "", path, ""))
    current.set(trace)
    birth_recorder(recorder, "thing")(knot := Knot())
    current.set(None)
    recorder.finish(trace)
    return knot
