"""Measures processor time and memory: of a contestant and of "nothing", in alternating batches.

Both programs run at once, and one waits while the other serves a batch of requests, so that other
load on the machine slows both alike. The ratio is the median over all pairs of batches.
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
    """Whether the answer was byte for byte the same as without the contestant."""
    headers: tuple[str, ...]
    """Headers that the answer without the contestant does not have."""


def measure(page: str, contestant: str, pairs: int = PAIRS) -> Cost:
    """Measures one contestant on one page, in so many pairs or more. Raises CannotMeasure.

    A contestant of low cost is measured in several pairs of programs: the layout of memory makes
    one program slower than the next by as much as the tracer does.
    """
    costs: list[tuple[float, float]] = []
    for _ in range(ALL[contestant].program_pairs):
        with running(page, "nothing") as (bare, _), running(page, contestant) as (watched, _):
            children = bare, watched
            answers = [child.send("answer") for child in children]
            costs += _run(children, pairs)
            peaks = [child.send("memory")["peak"] for child in children]
            recorded = watched.send("recorded")["recorded"]
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
    """Runs both by turns; yields the processor time of each pair, in microseconds per request."""
    counts = [_batch(child) for child in children]
    for turn in range(pairs):
        costs = [0.0, 0.0]
        for each in (1, 0) if turn % 2 else (0, 1):
            took = children[each].send(f"run {counts[each]}")["cpu"]
            costs[each] = took / counts[each] / 1000
        yield costs[0], costs[1]


def _batch(child: Child) -> int:
    """Returns how many requests make a batch."""
    child.send("run 5")
    each = child.send("run 10")["cpu"] / 10 / 1e9
    return max(5, int(BATCH / each))
