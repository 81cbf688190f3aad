"""Old requests are counted together; what is counted must be what each was by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tracer.model import stages
from tracer.model.recorded import likeness
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, spread
from tracer.recorder.weakrefs import Ref
from tracer.runtime.counts import Counts, ends_of

VIEWS = (None, ("site.index", "", "index"), ("site.page", "page/", None))
CLASSES = (int, str, dict)
WHATS = [(stages.MIDDLEWARE, token, "", "", "") for token in (3, 4, 5, None)]


class Thing:
    """Lives as long as a test."""


class Site:
    """Requests of all kinds, as they are when they are over."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.recorder = Recorder()
        self.closed: dict[int, int] = {}
        self.alive = Thing()

    def mark(self, token: int) -> int | Ref | None:
        """How an object ended; in one of a hundred it did not, or nobody knows."""
        ended = self.choose.choice((1, -7, -8))
        chance = self.choose.random()
        if chance < 0.005:
            return Ref(self.alive)
        if chance < 0.1:
            if chance > 0.01:
                self.closed[token] = ended
            return None
        return ended

    def request(self, view: Any, shape: random.Random) -> Trace:
        """One to this view; two shapes of the same seed make the same of it, but for the ends."""
        trace = self.recorder.begin(("GET", "", "/", ""))
        trace.thread = shape.choice((1, 1, 1, 2))
        trace.view = view
        trace.first = own = 1000 + 10 * trace.number
        for number in range(shape.choice((0, 2, 2, 2, 3))):
            cls = shape.choice(CLASSES)
            kind = shape.choice(("thing", "row"))
            trace.births += [self.mark(own + number), own + number, kind, cls, None]
        for _ in range(shape.choice((3, 3, 4))):
            trace.events += [1, 2, shape.choice(WHATS) if shape.random() < 0.2 else WHATS[0]]
        trace.seen += [6, shape.choice((7, 8))]
        chance = shape.random()
        if chance < 0.1:
            trace.seen.append(own)
        elif chance < 0.3:
            spread(trace, self.recorder.current_thread)
            trace.add((1, 2, (stages.QUERY, 9, "", "", "")))
            if chance < 0.15:
                trace.seen.append(10)
        self.recorder.finish(trace)
        return trace

    def requests(self) -> Iterator[Trace]:
        """Some hundreds; most are as others before them."""
        seeds = [self.choose.random() for _ in range(6)]
        made = []
        for _ in range(400):
            seed = self.choose.choice(seeds) if self.choose.random() < 0.9 else None
            made.append(self.request(self.choose.choice(VIEWS), random.Random(seed)))
        while made:
            # On several threads, they do not end in the order in which they began.
            yield made.pop(min(self.choose.randrange(8), len(made) - 1))


def page(trace: Trace) -> str:
    """What a request asked for."""
    return str(trace.view)


def numbers(traces: list[Trace]) -> set[int]:
    """Which they are."""
    return {trace.number for trace in traces}


def everything_in(tally: Counts) -> dict[str, object]:
    """All that a tally has counted."""
    return {
        "built": {
            key: (built.requests, built.by_reference, built.by_collector)
            for key, built in tally.built.items()
        },
        "used": tally.used,
        "served": tally.served,
        "begins": sorted(tally.begins),
        "pages": sorted(tally.pages),
    }


@pytest.mark.parametrize("seed", range(20))
def test_what_is_counted_together_is_what_would_be_counted_one_by_one(seed: int) -> None:
    """Whatever they built and used, in any order, with some that are not over among them."""
    site = Site(seed)
    groups: dict[Any, list[Trace]] = {}
    each, waiting = Counts(page), set()
    for trace in site.requests():
        groups.setdefault(likeness(trace), []).append(trace)
        ends = ends_of(trace, site.closed)
        if 0 in ends:
            waiting.add(trace.number)
        else:
            each.add(trace, ends, {})
    assert 0 < len(waiting) < 40
    assert len(groups) > 10
    together = Counts(page)
    for group in groups.values():
        half = len(group) // 2
        for some in (group[:half], group[half:]):
            if some:
                before = numbers(some)
                assert numbers(together.take(some, site.closed)) == before & waiting
                assert numbers(some) == before - waiting
    assert everything_in(together) == everything_in(each)
    assert {(token // 10) - 100 for token in site.closed} <= waiting


def test_a_request_that_cannot_be_told_from_others_is_counted_as_one_of_them() -> None:
    """A thousand alike are one entry, whatever became of their objects."""
    site, tally = Site(0), Counts(page)
    for _ in range(10):
        alike = [site.request(None, random.Random(5)) for _ in range(100)]
        site.closed.update({token: 9 for trace in alike for token in trace.births[1::5]})
        tally.take(alike, site.closed)
    assert len(tally.built) == len(tally.used) == 1
    ((count, newest),) = tally.used.values()
    (built,) = tally.built.values()
    assert count == built.requests == tally.served == 1000
    assert newest == max(number for _, number in tally.begins)
