"""How the cost of recording grows with past requests, queries, middleware and threads.

It should not grow with past requests, and linearly with all others.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.child import running

PAST_REQUESTS = (100, 10_000, 100_000)
QUERIES = (10, 100, 1000)
MIDDLEWARE = (5, 50)
THREADS = 8
BATCH = 400


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement: microseconds of processor time per request, kilobytes in use."""

    what: str
    bare: float
    watched: float
    memory_bare: int
    memory: int

    @property
    def added(self) -> float:
        """Microseconds that recording added."""
        return self.watched - self.bare


def past_requests(
    contestant: str = "recording", marks: tuple[int, ...] = PAST_REQUESTS
) -> Iterator[Step]:
    """Measures the short text after so many requests."""
    with running("short", "nothing") as (bare, _), running("short", contestant) as (watched, _):
        children = bare, watched
        done = 100
        for mark in marks:
            for child in children:
                if mark > done:
                    child.send(f"run {mark - done}")
            done = max(mark, done)
            costs = [
                [child.send(f"run {BATCH}")["cpu"] / BATCH / 1000 for child in children]
                for _ in range(7)
            ]
            done += 7 * BATCH
            own, theirs = (statistics.median(each) for each in zip(*costs, strict=True))
            memory = [child.send("memory")["now"] for child in children]
            yield Step(f"at request {mark:,}", own, theirs, memory[0], memory[1])


def queries(contestant: str = "recording", counts: tuple[int, ...] = QUERIES) -> Iterator[Step]:
    """Measures pages of so many queries."""
    for count in counts:
        yield _pair(f"queries/{count}", contestant, f"{count:,} queries", max(5, 2000 // count))


def middleware(
    contestant: str = "recording", counts: tuple[int, ...] = MIDDLEWARE
) -> Iterator[Step]:
    """Measures the short text through so many middleware more than the seven."""
    for count in counts:
        yield _pair("short", contestant, f"7 + {count} middleware", BATCH, count)


def threads(contestant: str = "recording", count: int = THREADS) -> Iterator[Step]:
    """Measures the short text on one thread, and on several at once."""
    yield _pair("short", contestant, "1 thread", BATCH, threads=1)
    yield _pair("short", contestant, f"{count} threads", BATCH, threads=count)


def _pair(
    page: str, contestant: str, what: str, batch: int, middleware: int = 0, threads: int = 0
) -> Step:
    with (
        running(page, "nothing", middleware=middleware) as (bare, _),
        running(page, contestant, middleware=middleware) as (watched, _),
    ):
        command = f"threads {batch} {threads}" if threads else f"run {batch}"
        requests = batch * (threads or 1)
        costs = []
        for _ in range(7):
            costs.append(
                [child.send(command)["cpu"] / requests / 1000 for child in (bare, watched)]
            )
        own, theirs = (statistics.median(each) for each in zip(*costs, strict=True))
        memory = [child.send("memory")["now"] for child in (bare, watched)]
    return Step(what, own, theirs, memory[0], memory[1])
