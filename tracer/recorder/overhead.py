"""What recording costs, measured here and now rather than assumed.

The real wrappers around nothing, against nothing. Between two turns some megabytes are moved: in a
tight loop, with all they need in the processor's nearest caches, wrappers take about a third of what
they take between the stages of a request. How much a request's own code moves is not measured, so
this stays an estimate.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import timed
from tracer.recorder.trace import Trace, current

_TURNS = 31
_OPENED = 5.5
"""Stages that a connection opened and closed is worth besides its own: it is asked whose it is, and
whether it has really ended. Counted in instructions, by callgrind, with and without its probes."""
_MOVED = 3 * 1024 * 1024
"""Bytes moved between two turns: more than the caches hold that are a core's own."""


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
            + self.stage * _OPENED * trace.births[1::4].count("connection")
            + self.life * (len(trace.births) // 4)
        )


class _Thing:
    __slots__ = ("__weakref__",)


def measure() -> Costs:
    """Measure, on a recorder of its own that nobody reads. Takes some thirty milliseconds."""
    return copy_context().run(_measure)


def _measure() -> Costs:
    recorder = Recorder()
    spanned = timed(recorder, stages.VIEW, _nothing, lambda *_: (None, "", ""))
    trace = recorder.begin(("GET", "", "/", ""))
    token = current.set(trace)
    nothing = _clocked(_nothing)
    stage = _clocked(spanned) - nothing
    life = _clocked(lambda: recorder.born(_Thing(), "thing")) - _clocked(lambda: _Thing())
    current.reset(token)
    recorder.finish(trace)
    request = _clocked(lambda: recorder.finish(recorder.begin(("GET", "", "/", "")))) - nothing
    return Costs(max(stage, 0.0), max(life, 0.0), max(request, 0.0))


def _clocked(call: Callable[[], object], clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """Nanoseconds per call: the median, since other processes can only make some turns slower."""
    there, here = bytearray(_MOVED), bytes(_MOVED)
    took = []
    for _ in range(_TURNS):
        there[:] = here
        start = clock()
        call()
        took.append(clock() - start)
    return statistics.median(took)


def _nothing() -> None:
    """What is called when nothing is done."""
