"""Estimates how much recording slows each request down, from timings of our own wrappers.

The wrappers are timed in this process, around nothing, against nothing, with other Python code
between two turns: in a tight loop all they need would be in the processor's nearest caches, and
they would take a small part of what they take between the stages of a request.

A request pays more than these prices, by a factor found by comparing them with the processor time
of pages with and without the tracer (`benchmarks/agreement.py`). Its causes cannot be timed from
within: the collector visits more objects, and the application fetches again what recording has
pushed out of the caches. So this stays an estimate; `docs/explanation/cost.md` states its error.
"""

from __future__ import annotations

import copy
import email.utils
import inspect
import statistics
import string
import textwrap
import time
from collections.abc import Callable
from contextvars import copy_context
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tracer.model import stages
from tracer.probes.constructors import birth_recorder
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace, current, give_back

_TURNS = 31
_WARM_UP = 8
"""Turns before anything is timed: the interpreter adapts itself to what runs often."""
_ENTERED = 1.8
"""What entering, answering and closing a request costs, where beginning and finishing its recording
costs 1; counted in instructions, by callgrind."""
_PUSHED_OUT = 1.85
"""How much more a request pays than the prices say."""

_WORK: tuple[Callable[[], Any], ...] = (
    lambda: copy.deepcopy({"a": [1, 2, (3, 4)], "b": {"c": [5]}}),
    lambda: urlencode({"a b": "ü/ö", "c": "d&e", "f": 3}),
    lambda: email.utils.parsedate_tz("Fri, 27 Nov 2026 22:37:38 +0000"),
    lambda: SimpleCookie("a=b; c=d; e=f"),
    lambda: string.Formatter().vformat("{0} and {a!r:>10} {b}", (1,), {"a": 2, "b": "c"}),
    lambda: inspect.signature(textwrap.wrap),
)
"""Other work: Python code of many kinds, of modules that Django loads; some microseconds each."""


class Prices(NamedTuple):
    """Nanoseconds on this machine: per recorded stage, per watched object, per request."""

    stage: float
    life: float
    request: float

    def of(self, trace: Trace) -> int:
        """Returns the nanoseconds that recording a finished request took. One that was seen
        without a stage of its own counts as half a stage."""
        stage, life, request = self
        count = len(trace.events) // 3 + 0.5 * len(trace.seen) + len(trace.other_threads or ())
        return int(stage * count + life * (len(trace.births) // 5) + request)


class Overhead:
    """Estimates what recording costs the requests of one process."""

    def __init__(self) -> None:
        self._prices: Prices | None = None

    def of(self, trace: Trace) -> int:
        """Returns the nanoseconds that a finished request paid; the first one has them measured."""
        if self._prices is None:
            self._prices = copy_context().run(measure)
        return self._prices.of(trace)


class _Thing:
    __slots__ = ("__weakref__",)


def measure() -> Prices:
    """Measures the prices on a recorder of its own. Takes some thirty milliseconds."""
    recorder = Recorder()
    address = "GET", "", "/", ""
    spanned = timed(recorder, stages.VIEW, _nothing, lambda *_: (None, "", ""))
    note = birth_recorder(recorder, "thing")

    def serve() -> None:
        recorder.finish(recorder.begin(address))

    def put_by() -> None:
        while recorder.finished:
            give_back(recorder.spare, recorder.finished.popleft())

    trace = recorder.begin(address)
    token = current.set(trace)
    nothing = _clocked(_nothing)
    stage = _clocked(spanned) - nothing
    life = _clocked(lambda: note(_Thing())) - _clocked(_Thing)
    current.reset(token)
    recorder.finish(trace)
    request = _ENTERED * (_clocked(serve, put_by) - nothing)
    # A clock may be too coarse to measure anything.
    return Prices(*(max(_PUSHED_OUT * price, 0.0) for price in (stage, life, request)))


def _clocked(call: Callable[[], object], after: Callable[[], object] | None = None) -> float:
    """Returns nanoseconds per call: the median, as other processes only make some turns slower."""
    clock = time.perf_counter_ns
    took = []
    for _ in range(_WARM_UP + _TURNS):
        for work in _WORK:
            work()
        start = clock()
        call()
        took.append(clock() - start)
        if after is not None:
            after()
    return statistics.median(took[_WARM_UP:])


def _nothing() -> None:
    """The call that does nothing."""
