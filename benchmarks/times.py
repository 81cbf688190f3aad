"""Processor time and memory: a contestant and "nothing", side by side and by turns.

Both programs run at once, and one waits while the other is asked for a batch of requests, so that
what else the machine does strikes both alike. The ratio is the median over all pairs of batches.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.child import Child, running
from benchmarks.contestants import ALL

PAIRS = 9
BATCH = 0.15
"""Seconds of processor time that a batch should take."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time per request, all threads; kilobytes of memory."""

    page: str
    contestant: str
    pairs: int
    bare: float
    watched: float
    ratio: float
    spread: tuple[float, float]
    """The lowest and the highest ratio among the pairs."""
    peak: int
    peak_bare: int
    recorded: str
    same: bool
    """Whether the answer was, byte for byte, what it is without the contestant."""
    headers: tuple[str, ...]
    """Headers that it has and the answer without the contestant has not."""


def measure(page: str, contestant: str, pairs: int = PAIRS) -> Cost:
    """Measure one contestant on one page, in so many pairs or more. Raises CannotMeasure.

    What is light is measured in several pairs of programs: where its memory lies makes one program
    as much slower than the next as the tracer does.
    """
    costs: list[tuple[float, float]] = []
    for _ in range(ALL[contestant].care):
        with running(page, "nothing") as (bare, _), running(page, contestant) as (watched, _):
            children = bare, watched
            answers = [child.tell("answer") for child in children]
            costs += _run(children, pairs)
            peaks = [child.tell("memory")["peak"] for child in children]
            recorded = watched.tell("recorded")["recorded"]
    ratios = [theirs / own for own, theirs in costs]
    names = [{header[0].lower() for header in answer["headers"]} for answer in answers]
    return Cost(
        page,
        contestant,
        len(costs),
        statistics.median(own for own, _ in costs),
        statistics.median(theirs for _, theirs in costs),
        statistics.median(ratios),
        (min(ratios), max(ratios)),
        peaks[1],
        peaks[0],
        recorded,
        answers[0]["status"] == answers[1]["status"] and answers[0]["body"] == answers[1]["body"],
        tuple(sorted(names[1] - names[0])),
    )


def _run(children: Sequence[Child], pairs: int) -> Iterator[tuple[float, float]]:
    """Have both run by turns; yield what their clocks say, in microseconds per request."""
    counts = [_batch(child) for child in children]
    for turn in range(pairs):
        told = [0.0, 0.0]
        for each in (1, 0) if turn % 2 else (0, 1):
            took = children[each].tell(f"run {counts[each]}")["cpu"]
            told[each] = took / counts[each] / 1000
        yield told[0], told[1]


def _batch(child: Child) -> int:
    """How many requests make a batch."""
    child.tell("run 5")
    each = child.tell("run 10")["cpu"] / 10 / 1e9
    return max(5, int(BATCH / each))
