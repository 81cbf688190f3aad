"""Processor time and memory: a contestant and "nothing", side by side and by turns.

Both programs run at once, and one waits while the other is asked for a batch of requests, so that
what else the machine does strikes both alike. The ratio is the median over all pairs of batches.
"""

from __future__ import annotations

import statistics
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
    watching: float
    """Microseconds per request that the contestant itself says it takes; 0 if it says nothing."""
    added: float
    """Microseconds that it adds on the thread that serves: the median over the pairs."""


def measure(page: str, contestant: str, pairs: int = PAIRS) -> Cost:
    """Measure one contestant on one page, in so many pairs or more. Raises CannotMeasure."""
    with running(page, "nothing") as (bare, _), running(page, contestant) as (watched, _):
        return _compare(page, contestant, pairs * ALL[contestant].care, bare, watched)


def _compare(page: str, contestant: str, pairs: int, bare: Child, watched: Child) -> Cost:
    answers = bare.tell("answer"), watched.tell("answer")
    counts = _batch(bare), _batch(watched)
    costs: list[tuple[float, float]] = []
    added: list[float] = []
    for turn in range(pairs):
        pair = [(bare, counts[0]), (watched, counts[1])]
        if turn % 2:
            pair.reverse()
        told = [(child.tell(f"run {count}"), count * 1000) for child, count in pair]
        if turn % 2:
            told.reverse()
        own, theirs = ([each[clock] / by for each, by in told] for clock in ("cpu", "thread"))
        costs.append((own[0], own[1]))
        added.append(theirs[1] - theirs[0])
    ratios = [theirs / own for own, theirs in costs]
    names = [{header[0].lower() for header in answer["headers"]} for answer in answers]
    return Cost(
        page,
        contestant,
        pairs,
        statistics.median(own for own, _ in costs),
        statistics.median(theirs for _, theirs in costs),
        statistics.median(ratios),
        (min(ratios), max(ratios)),
        watched.tell("memory")["peak"],
        bare.tell("memory")["peak"],
        watched.tell("recorded")["recorded"],
        answers[0]["status"] == answers[1]["status"] and answers[0]["body"] == answers[1]["body"],
        tuple(sorted(names[1] - names[0])),
        watched.tell("watching")["watching"],
        statistics.median(added),
    )


def _batch(child: Child) -> int:
    """How many requests make a batch."""
    child.tell("run 5")
    each = child.tell("run 10")["cpu"] / 10 / 1e9
    return max(5, int(BATCH / each))
