"""Requests made by hand, and what they build."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from tracer.probes.constructors import birth_recorder
from tracer.recorder import trace as trace_module
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current


def page(trace: trace_module.Trace) -> str:
    """What a request asked for."""
    return f"{trace.method} {trace.path}"


class Knot:
    """Holds itself: only the collector can free it."""

    def __init__(self) -> None:
        self.self = self


def asked(recorder: Recorder, count: int) -> Iterator[trace_module.Trace]:
    """So many finished requests, each of which built one knot."""
    for _ in range(count):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        birth_recorder(recorder, "thing")(Knot())
        current.set(None)
        recorder.finish(trace)
        yield trace


def plain(recorder: Recorder, count: int) -> Iterator[trace_module.Trace]:
    """So many that built nothing."""
    for _ in range(count):
        trace = recorder.begin(("GET", "", "/", ""))
        recorder.finish(trace)
        yield trace


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector does not come by itself."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


LEAK: list[Knot] = []


def build(recorder: Recorder, path: str) -> Knot:
    """Serves a request that builds one knot, and returns it."""
    trace = recorder.begin(("GET", "", path, ""))
    current.set(trace)
    birth_recorder(recorder, "thing")(knot := Knot())
    current.set(None)
    recorder.finish(trace)
    return knot
