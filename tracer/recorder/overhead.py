"""What recording costs, measured here and now rather than assumed.

The real wrappers around nothing, against nothing. Between two turns memory is moved, or thousands
of objects are visited: in a tight loop, with all they need in the processor's nearest caches,
wrappers take a half to a third of what they take between the stages of a request. A request that
does much between two stages has visited more than one that does little, and pays more for the same.
How much, is not measured, so this stays an estimate.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import NamedTuple

from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import timed
from tracer.recorder.trace import Trace, current

_TURNS = 31
_OPENED = 5.5
"""Stages that a connection opened and closed is worth besides its own: it is asked whose it is, and
whether it has really ended. Counted in instructions, by callgrind, with and without its probes."""
_ENTERED = 1.8
"""What a request takes that is entered, answered and closed, where beginning and finishing its
recording takes 1; counted likewise."""
_LITTLE = 512 * 1024
"""Bytes moved between two turns: more than the nearest cache holds, and some of the next."""
_MUCH = 20_000
"""Objects visited between two turns: some more than the caches hold that are a core's own."""
_LONG = 20_000
"""Nanoseconds from stage to stage beyond which a request has done much."""


class Prices(NamedTuple):
    """Nanoseconds on this machine: per recorded stage, per watched object, per request."""

    stage: float
    life: float
    request: float


class Costs(NamedTuple):
    """Prices where little and where much was done since the stage before."""

    little: Prices
    much: Prices

    def of(self, trace: Trace) -> int:
        """Return the nanoseconds that recording `trace` took."""
        count = len(trace.events) // 3 + len(trace.far or ())
        is_long = trace.closed - trace.begun > _LONG * (count + 1)
        stage, life, request = self.much if is_long else self.little
        worth = count + 0.5 * len(trace.seen) + _OPENED * trace.births[2::5].count("connection")
        return int(_ENTERED * request + stage * worth + life * (len(trace.births) // 5))


class _Thing:
    __slots__ = ("__weakref__",)


def measure() -> Costs:
    """Measure, on a recorder of its own that nobody reads. Takes some sixty milliseconds."""
    return copy_context().run(_measure)


def _measure() -> Costs:
    here, there = bytes(_LITTLE), bytearray(_LITTLE)

    def move() -> None:
        there[:] = here

    # Of a kind that the collector does not visit, so that it is not called for them either.
    things = [bytes(40) for _ in range(_MUCH)]
    return Costs(_prices(move), _prices(lambda: sum(map(len, things))))


def _prices(meanwhile: Callable[[], object]) -> Prices:
    """Measure prices where `meanwhile` was done between two turns."""
    recorder = Recorder()
    clocked = partial(_clocked, meanwhile)
    spanned = timed(recorder, stages.VIEW, _nothing, lambda *_: (None, "", ""))
    trace = recorder.begin(("GET", "", "/", ""))
    token = current.set(trace)
    nothing = clocked(_nothing)
    stage = clocked(spanned) - nothing
    life = clocked(lambda: recorder.born(_Thing(), "thing")) - clocked(_Thing)
    current.reset(token)
    recorder.finish(trace)
    request = clocked(lambda: recorder.finish(recorder.begin(("GET", "", "/", "")))) - nothing
    return Prices(max(stage, 0.0), max(life, 0.0), max(request, 0.0))


def _clocked(meanwhile: Callable[[], object], call: Callable[[], object]) -> float:
    """Nanoseconds per call: the median, since other processes can only make some turns slower."""
    clock = time.perf_counter_ns
    took = []
    for _ in range(_TURNS):
        meanwhile()
        start = clock()
        call()
        took.append(clock() - start)
    return statistics.median(took)


def _nothing() -> None:
    """What is called when nothing is done."""
