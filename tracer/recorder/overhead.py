"""What recording costs, measured here and now rather than assumed.

A few hundred turns of the real wrappers around nothing, against nothing; the fastest of several
rounds, for whatever else the machine does only makes a round slower.
"""

from __future__ import annotations

import time
from contextvars import copy_context
from dataclasses import dataclass

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import timed
from tracer.recorder.trace import Trace, current

_TURNS = 200
_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Costs:
    """Nanoseconds on this machine: per recorded stage, per watched object, per request."""

    stage: float
    life: float
    request: float

    def of(self, trace: Trace) -> int:
        """Return the nanoseconds that recording `trace` took."""
        return int(
            self.request
            + self.stage * (len(trace.events) // 3 + len(trace.far or ()))
            + self.stage * 0.5 * len(trace.seen)
            + self.life * (len(trace.births) // 4)
        )


class _Thing:
    __slots__ = ("__weakref__",)


def measure() -> Costs:
    """Measure, on a recorder of its own that nobody reads. Takes a few milliseconds."""
    return copy_context().run(_measure)


def _measure() -> Costs:
    recorder = Recorder()
    spanned = timed(recorder, stages.VIEW, _nothing, lambda *_: (None, "", ""))
    stage = life = request = float("inf")
    for _ in range(_ROUNDS):
        bare = _clocked(_nothing)
        trace = recorder.begin(("GET", "", "/", ""))
        token = current.set(trace)
        stage = min(stage, _clocked(spanned) - bare)
        bare = _clocked(_Thing)
        trace.births.clear()
        life = min(life, _clocked(lambda: recorder.born(_Thing(), "thing")) - bare)
        current.reset(token)
        recorder.finish(trace)
        recorder.lives.drain()

        def whole() -> None:
            recorder.finish(recorder.begin(("GET", "", "/", "")))

        request = min(request, _clocked(whole))
        recorder.finished.clear()
    return Costs(max(stage, 0.0), max(life, 0.0), max(request, 0.0))


def _clocked(call: object) -> float:
    """Nanoseconds per call."""
    assert callable(call)
    start = time.perf_counter_ns()
    for _ in range(_TURNS):
        call()
    return (time.perf_counter_ns() - start) / _TURNS


def _nothing() -> None:
    """What is called when nothing is done."""
