"""Who forgets old requests counts what who remembers all of them counts."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.support.recorded import alone
from tracer.model import (
    Barrier,
    Deaths,
    Died,
    EndedWithThread,
    Fact,
    History,
    Process,
    ProcessStarted,
    Replaced,
)
from tracer.model.recorded import Kind, RecordedRequests

KINDS: tuple[tuple[Kind, ...], ...] = (
    (),
    (("view", "shop.Menu", None, None, None, True),),
    (
        ("request", "django.WSGIRequest", None, None, None, True),
        ("form", "shop.Form", "Form a", None, None, True),
        ("form", "shop.Form", "Form b", None, None, True),
        ("connection", "sqlite3.Connection", "default", None, 1, False),
    ),
)
GAP = 1_000


def served(
    number: int,
    token: int,
    kinds: tuple[Kind, ...],
    marks: list[int],
    uses: list[int],
    thread: int = 1,
) -> RecordedRequests:
    """Returns a request that used some objects and built others, the first of them `token`."""
    return alone(
        number=number,
        method="GET",
        path=f"/{len(kinds)}/",
        status=200,
        thread=thread,
        begun=number * GAP,
        closed=number * GAP + GAP // 2,
        size=1,
        watching=0,
        viewed=None,
        responded=None,
        starts=[],
        ends=[],
        whats=(),
        tokens=list(range(token, token + len(kinds))),
        kinds=kinds,
        marks=marks,
        seen=tuple(uses),
    )


def story(seed: int, requests: int) -> Iterator[Fact]:
    """Yields what a random process does, in an order in which it could be reported."""
    chance = random.Random(seed)
    alive: list[tuple[int, int, int]] = []
    """(token, when at the latest it dies, thread)"""
    yield ProcessStarted(1, 0, "test", "", "3", "5", 0.0, 0)
    token = 10
    for number in range(1, requests + 1):
        kinds, thread = chance.choice(KINDS), chance.choice([1, 1, 2])
        closed = number * GAP + GAP // 2
        marks = []
        for place, kind in enumerate(kinds):
            lives = kind[4] is not None or chance.random() < 0.2
            if lives:
                alive.append((token + place, number + chance.randrange(30), thread))
            how = chance.choice([1, 1, 1, -1])
            died = closed + chance.choice([-9, 9, GAP])
            marks.append(0 if lives else how * died)
        uses = [each[0] for each in alive if each[0] < token and chance.random() < 0.2]
        yield served(number, token, kinds, marks, uses, thread)
        over = [each for each in alive if each[1] <= number]
        alive = [each for each in alive if each not in over]
        for each, _, its_thread in over:
            how = chance.choice(["reference", "collector"])
            yield Deaths((Died(each, closed + 20, how),))
            if how == "reference" and chance.random() < 0.3:
                yield Replaced((each,))
            elif how == "reference" and chance.random() < 0.3:
                yield EndedWithThread(its_thread, (each,))
        if chance.random() < 0.1:
            yield Barrier(closed + 30, "collector", closed + 25)
        token += len(kinds)


def told(seed: int, keep: int | None, requests: int = 300) -> Process:
    """Returns the process, by a history that remembers so many requests."""
    history = History(keep)
    for fact in story(seed, requests):
        history.feed(fact)
    return history.snapshot()


@pytest.mark.parametrize("seed", range(20))
def test_the_ledger_is_the_same_however_many_requests_are_remembered(seed: int) -> None:
    """How many were built, how they were freed, which scopes they had, who used them."""
    everything = told(seed, None)
    assert everything.served == len(everything.requests) == 300
    for keep in (40, 64):
        some = told(seed, keep)
        assert len(some.requests) == keep + 2
        assert some.served == 300
        assert some.ledger == everything.ledger


def test_of_the_remembered_requests_every_object_is_known_one_by_one() -> None:
    """And the same of each as one knows who remembers all."""
    everything, some = told(7, None), told(7, 64)
    numbers = {request.number for request in some.requests}
    known = {life.id: life for life in everything.lifetimes}
    mine = [life for life in some.lifetimes if life.built_in in numbers]
    assert len(mine) > 100
    for life in mine:
        # What was forgotten counts as earlier, though some of it was built later.
        assert life._replace(earlier=None) == known[life.id]._replace(earlier=None)
        assert some.fates[life.built_in or 0] == everything.fates[life.built_in or 0]


def test_memory_does_not_grow_with_the_requests() -> None:
    """Of the forgotten ones nothing stays but counts."""

    def size(requests: int) -> int:
        history = History(64)
        for fact in story(3, requests):
            history.feed(fact)
        objects = history.objects
        return len(objects.tracked) + len(objects.store.alive) + len(objects.store.dead)

    assert all(size(requests) < 4 * 64 for requests in (500, 1_000, 2_000, 4_000))
