"""Whether the tracer is right about its own price: what it adds to a request, beside what it says.

One program serves by turns, with nothing of the tracer in place, and watched: where its memory lies
is the same for both, and what else the machine does strikes both alike. Several such programs, for
where memory lies matters as much as the tracer does. The console's clock stands still while nothing
is watched, so that it draws no more than it would.

Before each turn Python's collector goes through everything. Else the full collections that come by
themselves, some hundreds of requests apart, would fall into the turn that follows the telling of
what was recorded, which leaves much behind: always one without the tracer. A list of 4,000
microseconds paid some 80 more for them there than in the turns that were watched.
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
"""Part of the pairs left out at either end, where the machine did something else."""

Pair = tuple[float, float, float]
"""Without, watched, and what the tracer says: microseconds per request."""


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
    """Standard error of what is added, over all programs."""


def measure(page: str, contestant: str, divisor: int = 1) -> Agreement:
    """Measure on one page; in so many times fewer pairs. Raises CannotMeasure."""
    pairs = PAIRS[page] // divisor
    bare, added, said, errors = [], [], [], []
    for _ in range(PROGRAMS):
        with running(page, contestant) as (child, _):
            told: list[Pair] = child.tell(f"agree {pairs}")["pairs"]
        # Relative to its neighbours: the machine may be twice as fast a minute later.
        shares = _without_tails([watched / without - 1 for without, watched, _ in told])
        bare.append(statistics.median(without for without, _, _ in told))
        added.append(bare[-1] * statistics.fmean(shares))
        said.append(
            bare[-1] * statistics.fmean(_without_tails([one / without for without, _, one in told]))
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
    """Serve by turns; `watched` asks a handler that is watched, `make` makes another such."""
    from tracer import runtime

    tracer = runtime.running()
    assert tracer is not None
    switch = _Switch(tracer)
    with switch.off():
        bare = make()
        bare.many(20)
        count = max(4, int(TURN / (_timed(bare, 10) / 1e6)))
        before = _turn(bare, count)
    for _ in range(pairs):
        # Not always as many, or each would end at the same point of what the console does.
        these = max(3, int(count * random.uniform(0.6, 1.4)))
        took = _turn(watched, these)
        with switch.off():
            newest = tracer.process().requests[-these:]
            said = statistics.fmean(request.watching for request in newest) / 1000
            after = _turn(bare, these)
        yield (before + after) / 2, took, said
        before = after


class _Switch:
    """Takes away all that is patched, and puts it back."""

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer
        self.away = 0.0
        self.since: float | None = None
        if tracer.runtime.console is not None:
            tracer.runtime.console.clock = self._clock
            tracer.runtime.console.since = self._clock()

    def _clock(self) -> float:
        """Seconds, without those in which nothing was watched."""
        return (time.monotonic() if self.since is None else self.since) - self.away

    @contextmanager
    def off(self) -> Iterator[None]:
        self.tracer.installation.uninstall()
        self.since = time.monotonic()
        # What waits is not dealt with while nothing is watched.
        self.tracer.look(draw=False)
        with self.tracer.drawing:
            pass
        try:
            yield
        finally:
            self.away += time.monotonic() - self.since
            self.since = None
            self.tracer.installation.install()


def _turn(asking: Any, count: int) -> float:
    """Microseconds per request, when everything has been collected and a few have been made."""
    gc.collect()
    asking.many(max(2, count // 10))
    return _timed(asking, count)


def _timed(asking: Any, count: int) -> float:
    begun = time.thread_time_ns()
    asking.many(count)
    return (time.thread_time_ns() - begun) / count / 1000
