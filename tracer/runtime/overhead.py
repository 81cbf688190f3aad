"""Estimates how much recording slows each request down, from timings of our own wrappers.

The wrappers are timed in this process, around nothing, against nothing. In a tight loop all they
need is in the processor's nearest caches, and they take a small part of what they take between the
stages of a request. So other Python code runs between two turns: first little of it, then much.
The time of a wrapper grows with the logarithm of what runs in between, here as in requests. So the
two timings give the price in a request, by how far its own stages lie apart.

A request pays more than these prices, by a factor found by comparing them with the processor time
of pages with and without the tracer. Its causes cannot be timed from within: the collector visits
more objects, and the application fetches again what recording has pushed out of the caches. While
the worker thread draws, requests compute longer, too. How long the worker thread computes is
recorded; what part of that a request pays was found by the same comparison. So this stays an
estimate.
"""

from __future__ import annotations

import ast
import copy
import email.utils
import fnmatch
import inspect
import io
import ipaddress
import statistics
import string
import textwrap
import time
import tokenize
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from http.cookies import SimpleCookie
from itertools import cycle
from math import log
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from tracer.model import stages
from tracer.probes.constructors import birth_recorder
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace, current, give_back

_TURNS = 31
_MUCH = 2
"""Rounds through all the other work between two turns, where there is much of it."""
_WARM_UP = 8
"""Such rounds before anything is timed: the interpreter adapts itself to what runs often."""
_OPENED = 5.5
"""Stages that a connection opened and closed costs besides its own, as the probes find out whose it
is and whether it has ended. Counted in instructions, by callgrind, with and without its probes."""
_ENTERED = 1.8
"""What entering, answering and closing a request costs, where beginning and finishing its recording
costs 1; counted likewise."""
_ASKED = 0.33
"""Stages that it costs when `reverse()` finds the same resolver again; counted likewise."""
_PUSHED_OUT = 1.85
"""How much more a request pays than these prices say. It was 1.6 to 1.7 on a short text, 1.7 to 2.0
on JSON with one query and 1.8 to 2.4 on a list, on Python 3.11; see `benchmarks/agreement.py`."""
_DISTURBED = 0.12
"""Nanoseconds that a request computes longer for each that the worker thread computes meanwhile;
found likewise, it was 0.03 to 0.09 on JSON and 0.07 to 0.24 on a list."""
_AGAIN = 1000
"""Requests after which prices are measured again; then after twice as many, and so on."""
_NEWEST = 5
"""Measurements whose median counts, as any one of them may fall in a bad moment of the machine."""
_STINTS = 256
"""Stints of the worker thread that are remembered: more than ten seconds of work."""
_FAR = 1_000_000
"""Nanoseconds between two stages beyond which prices rise no more: a longer time may be waiting."""

_WORK: tuple[Callable[[], Any], ...] = (
    lambda: copy.deepcopy({"a": [1, 2, (3, 4)], "b": {"c": [5]}}),
    lambda: urlencode({"a b": "ü/ö", "c": "d&e", "f": 3}),
    lambda: email.utils.parsedate_tz("Fri, 27 Nov 2026 22:37:38 +0000"),
    lambda: ast.unparse(ast.parse("a = b(c, d=2) + 2")),
    lambda: textwrap.wrap("lorem ipsum dolor sit amet", 12),
    lambda: SimpleCookie("a=b; c=d; e=f"),
    lambda: string.Formatter().vformat("{0} and {a!r:>10} {b}", (1,), {"a": 2, "b": "c"}),
    lambda: inspect.signature(textwrap.wrap),
    lambda: ipaddress.ip_network("192.168.0.0/24"),
    lambda: fnmatch.translate("*.p[yo]?x"),
    lambda: list(tokenize.generate_tokens(io.StringIO("a = b + 2\n").readline)),
    lambda: parse_qsl("a=1&b=2&c=%20x"),
)
"""Other work: Python code of many kinds, of modules that Django loads; some microseconds each."""


class Prices(NamedTuple):
    """Nanoseconds on this machine: per recorded stage, per watched object, per request."""

    stage: float
    life: float
    request: float

    def of(self, worth: float, lives: int) -> float:
        """Returns the cost of a request with so many stages' worth of work and so many objects."""
        stage, life, request = self
        return stage * worth + life * lives + _ENTERED * request


class Costs(NamedTuple):
    """Prices after little and after much other work, and the nanoseconds that this work takes."""

    near: Prices
    far: Prices
    little: float
    much: float

    def of(self, trace: Trace) -> int:
        """Returns the nanoseconds that recording `trace` took."""
        return self.of_alike([trace])[0]

    def of_alike(self, traces: Sequence[Trace]) -> list[int]:
        """Returns the nanoseconds that recording took, for each of several requests that are alike:
        as many stages and sightings, as many objects, of the same kinds."""
        births, far = traces[0].births, traces[0].other_threads
        count = len(traces[0].events) // 3 + (len(far) if far else 0)
        opened, lives = births[2::5].count("connection"), len(births) // 5
        unasked = count + 0.5 * len(traces[0].seen) + _OPENED * opened
        asked, low, high, found = -1, 0.0, 0.0, []
        for trace in traces:
            if trace.repeated_lookups != asked:
                asked = trace.repeated_lookups
                worth = unasked + _ASKED * asked
                low, high = self.near.of(worth, lives), self.far.of(worth, lives)
            share = self._share((trace.closed - trace.begun) / (count + 1))
            found.append(int(_PUSHED_OUT * (low + share * (high - low))))
        return found

    def at(self, distance: float) -> Prices:
        """Returns the prices where stages lie so many nanoseconds apart."""
        share = self._share(distance)
        both = zip(self.near, self.far, strict=True)
        return Prices(*(_PUSHED_OUT * (near + share * (far - near)) for near, far in both))

    def _share(self, distance: float) -> float:
        """Returns how far prices rise from near to far; beyond 1 where more lies in between."""
        little = self.little
        if distance <= little:
            return 0.0
        return log((distance if distance < _FAR else _FAR) / little) / log(self.much / little)


class Overhead:
    """Estimates what recording costs the requests of one process."""

    def __init__(self, measuring: Callable[[], Costs] | None = None) -> None:
        """`measuring` replaces `measure`, for tests."""
        self._measure = measuring or measure
        self._measured: deque[Costs] = deque(maxlen=_NEWEST)
        self._costs: Costs | None = None
        self._again = 0
        """Number of the request at which prices are measured next."""
        self._stints: deque[tuple[int, int, int]] = deque(maxlen=_STINTS)

    def worker_ran(self, began: int, ended: int, computed: int) -> None:
        """Notes that the worker thread ran from `began` to `ended`, computing for so long of it."""
        self._stints.append((began, ended, computed))

    def of(self, trace: Trace) -> int:
        """Returns the nanoseconds that a finished request paid; measures prices when it is time."""
        return self.of_alike([trace])[0]

    def of_alike(self, traces: Sequence[Trace]) -> list[int]:
        """Returns it for each of several requests that are alike as for `Costs.of_alike`."""
        newest = traces[-1].number
        if self._costs is None or newest >= self._again:
            self._again = max(_AGAIN, 2 * newest)
            self._measured.append(copy_context().run(self._measure))
            self._costs = median(self._measured)
        paid = self._costs.of_alike(traces)
        return [
            own + int(_DISTURBED * self._meanwhile(trace))
            for own, trace in zip(paid, traces, strict=True)
        ]

    def _meanwhile(self, trace: Trace) -> float:
        """Returns the nanoseconds that the worker thread computed while a request was in flight.

        No more than the rest of the request's time, as only one of them can compute at a time.
        """
        stints, total = self._stints, 0.0
        if not stints or stints[-1][1] <= trace.begun:
            return total
        for began, ended, computed in reversed(stints):
            if ended <= trace.begun:
                break
            both = min(ended, trace.closed) - max(began, trace.begun)
            if both > 0:
                total += computed * both / (ended - began)
        # Stints may overlap, and clocks are coarse: the estimate is never negative.
        return max(0.0, min(total, trace.closed - trace.begun - total))


def median(measured: Iterable[Costs]) -> Costs:
    """Returns the median of each price, and of each amount of work."""
    near, far, little, much = zip(*measured, strict=True)
    middle = statistics.median
    return Costs(
        Prices(*map(middle, zip(*near, strict=True))),
        Prices(*map(middle, zip(*far, strict=True))),
        middle(little),
        middle(much),
    )


class _Thing:
    __slots__ = ("__weakref__",)


def measure() -> Costs:
    """Measures the prices on a recorder of its own. Takes some sixty milliseconds."""
    kinds = cycle(_WORK)

    def little() -> None:
        next(kinds)()

    def much() -> None:
        for _ in range(_MUCH * len(_WORK)):
            little()

    for _ in range(_WARM_UP):
        much()
    # A clock may be too coarse to measure anything.
    short = max(_clocked(_nothing, little), 1.0)
    long = max(_clocked(_nothing, much), 2 * short)
    return Costs(_prices(little), _prices(much), short, long)


def _prices(meanwhile: Callable[[], object]) -> Prices:
    """Measures prices where `meanwhile` was done between two turns."""
    recorder = Recorder()
    address = "GET", "", "/", ""
    spanned = timed(recorder, stages.VIEW, _nothing, lambda *_: (None, "", ""))
    note = birth_recorder(recorder, "thing")

    def put_by() -> None:
        meanwhile()
        while recorder.finished:
            trace = recorder.finished.popleft()
            give_back(recorder.spare, trace)

    trace = recorder.begin(address)
    token = current.set(trace)
    nothing = _clocked(meanwhile, _nothing)
    stage = _clocked(meanwhile, spanned) - nothing
    life = _clocked(meanwhile, lambda: note(_Thing())) - _clocked(meanwhile, _Thing)
    current.reset(token)
    recorder.finish(trace)
    request = _clocked(put_by, lambda: recorder.finish(recorder.begin(address))) - nothing
    return Prices(max(stage, 0.0), max(life, 0.0), max(request, 0.0))


def _clocked(meanwhile: Callable[[], object], call: Callable[[], object]) -> float:
    """Returns nanoseconds per call: the median, as other processes only make some turns slower."""
    clock = time.perf_counter_ns
    took = []
    for _ in range(_TURNS):
        meanwhile()
        start = clock()
        call()
        took.append(clock() - start)
    return statistics.median(took)


def _nothing() -> None:
    """The call that does nothing."""
