"""Compares the price that the tracer states with the time that it adds to a request.

One program serves by turns without any probe and with all of them, so that the layout of memory is
the same for both, and other load on the machine slows both alike. Several such programs run,
because the layout of memory matters as much as the tracer does. The console's clock stands still
while no probe is installed, so that it draws no more than usual.

Before each turn Python collects everything. Otherwise the full collections, some hundreds of
requests apart, would fall into the turn after the recordings are read, which leaves much garbage:
always a turn without the tracer. A list of 4,000 microseconds took some 80 more for them there than
in the turns with the tracer.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.child import running

PROGRAMS = 5
PAIRS = {"short": 100, "json": 120, "list": 120}
"""Pairs of turns in each program."""
TURN = 0.06
"""Seconds that a turn should take."""
TAIL = 0.1
"""The share of pairs left out at either end, when the machine was busy."""

Pair = tuple[float, float, float]
"""Without the tracer, with it, and the price that it states: microseconds per request."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Microseconds of processor time per request on the thread that serves, by program."""

    page: str
    contestant: str
    pairs: int
    bare: float
    added: tuple[float, ...]
    said: tuple[float, ...]
    error: float
    """The standard error of the added time, over all programs."""


def measure(page: str, contestant: str, divisor: int = 1) -> Agreement:
    """Measures one page, in `divisor` times fewer pairs. Raises CannotMeasure."""
    pairs = PAIRS[page] // divisor
    bare, added, said, errors = [], [], [], []
    for _ in range(PROGRAMS):
        with running(page, contestant) as (child, _):
            measured: list[Pair] = child.send(f"agree {pairs}")["pairs"]
        # Relative to the neighbouring turns: the machine may be twice as fast a minute later.
        shares = _without_tails([watched / without - 1 for without, watched, _ in measured])
        bare.append(statistics.median(without for without, _, _ in measured))
        added.append(bare[-1] * statistics.fmean(shares))
        said.append(
            bare[-1]
            * statistics.fmean(_without_tails([one / without for without, _, one in measured]))
        )
        errors.append(bare[-1] * statistics.stdev(shares) / len(shares) ** 0.5)
    error = sum(each**2 for each in errors) ** 0.5 / PROGRAMS
    return Agreement(
        page, contestant, pairs, statistics.fmean(bare), tuple(added), tuple(said), error
    )


def _without_tails(values: Sequence[float]) -> list[float]:
    tail = int(TAIL * len(values))
    return sorted(values)[tail : len(values) - tail]


# -- in the measured program ----------------------------------------------------------------


def compare(pairs: int, watched: Any, make: Callable[[], Any]) -> Iterator[Pair]:
    """Serves by turns: `watched` has a traced handler, `make` makes a client with a bare one."""
    from tracer import runtime

    tracer = runtime.running()
    assert tracer is not None
    switch = _Switch(tracer)
    with switch.off():
        bare = make()
        bare.get_many(20)
        count = max(4, int(TURN / (_timed(bare, 10) / 1e6)))
        before = _turn(bare, count)
    for _ in range(pairs):
        # A random number, or each turn would end at the same point of the console's work.
        these = max(3, int(count * random.uniform(0.6, 1.4)))
        took = _turn(watched, these)
        with switch.off():
            newest = tracer.process().requests[-these:]
            said = statistics.fmean(request.watching for request in newest) / 1000
            after = _turn(bare, these)
        yield (before + after) / 2, took, said
        before = after


class _Switch:
    """Uninstalls all probes and installs them again."""

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer
        self.time_off = 0.0
        self.since: float | None = None
        if tracer.console is not None:
            tracer.console.clock = self._clock
            tracer.console.since = self._clock()

    def _clock(self) -> float:
        """Returns seconds, without the time in which no probe was installed."""
        return (time.monotonic() if self.since is None else self.since) - self.time_off

    @contextmanager
    def off(self) -> Iterator[None]:
        self.tracer.installation.uninstall()
        self.since = time.monotonic()
        # Waiting recordings are processed and drawn now: the worker thread must not do it during
        # the turns without probes.
        self.tracer.handle_recorded(draw=False)
        if self.tracer.console is not None:
            with self.tracer.console.drawing:
                pass
        try:
            yield
        finally:
            self.time_off += time.monotonic() - self.since
            self.since = None
            self.tracer.installation.install()


def _turn(client: Any, count: int) -> float:
    """Returns microseconds per request, after a full collection and a few requests."""
    gc.collect()
    client.get_many(max(2, count // 10))
    return _timed(client, count)


def _timed(client: Any, count: int) -> float:
    begun = time.thread_time_ns()
    client.get_many(count)
    return (time.thread_time_ns() - begun) / count / 1000
