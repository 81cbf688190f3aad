"""A running process forgets old requests and dead objects one by one, and loses no count by it."""

from __future__ import annotations

import pytest

from tests.model.story import Story
from tracer.model import Birth, Built, History, LedgerRow

REQUESTS = 100
KEEP = 8


def forgetful(keep: int | None = KEEP) -> Story:
    """Each request builds two objects and uses the very first; one of the two dies with it.

    The other waits for the collector, which comes ten requests later.
    """
    story = Story(keep)
    first = story.request(cls="shop.Shelf")
    for _ in range(REQUESTS - 1):
        waits = story.request(builds=2, uses=(first,))
        story.dies(waits - 1)
        if story.number > 11:
            story.dies(waits - 20, "collector")
    return story


def rows(history: History) -> dict[str, LedgerRow]:
    """Returns the ledger by class."""
    return {row.cls: row for row in history.snapshot().ledger}


def test_the_ledger_counts_each_object_once_whether_it_is_forgotten_or_not() -> None:
    """How many were built, by how many requests used, how they were freed, how long they lived."""
    story = forgetful()
    assert len(story.history.objects.tracked) < 4 * KEEP + 20
    thing = rows(story.history)["shop.Thing"]
    assert (thing.built, thing.requests, thing.alive) == (198, 99, 10)
    assert thing.freed == {"response": 99, "collector": 89}
    assert thing.scopes == {"request": 188, "undecided": 10}
    shelf = rows(story.history)["shop.Shelf"]
    assert (shelf.built, shelf.requests, shelf.alive) == (1, 100, 1)


def test_the_ledger_of_one_that_forgets_is_that_of_one_that_does_not() -> None:
    """A journal's reader forgets nothing."""
    assert rows(forgetful().history) == rows(forgetful(keep=None).history)


def test_a_forgotten_request_was_served_once() -> None:
    """The first two and the newest are remembered one by one."""
    process = forgetful().history.snapshot()
    assert process.served == REQUESTS
    assert [each.number for each in process.requests] == [1, 2, *range(93, 101)]


@pytest.mark.parametrize("keep", [None, 3])
def test_the_ledger_says_how_many_requests_used_any_object_of_a_class(keep: int | None) -> None:
    """Also of an old one, and of one that several used at once."""
    story = Story(keep)
    old = story.request(cls="shop.Thing")
    for _ in range(90):
        story.dies(story.request(cls="shop.Cup", uses=(old,)))
    rows = {row.cls: row.requests for row in story.history.snapshot().ledger}
    assert rows == {"shop.Thing": 91, "shop.Cup": 90}


def test_the_ledger_counts_what_is_built_outside_requests() -> None:
    """Together with what requests build of the same class."""
    story = Story(KEEP)
    births = [Birth(1_000 + n, "watched", "shop.Thing", "Thing", 0, 1, "boot") for n in range(3)]
    story.history.feed(Built(tuple(births)))
    assert rows(story.history)["shop.Thing"].built == 3
    story.request(cls="shop.Thing", builds=2)
    assert rows(story.history)["shop.Thing"].built == 5


def test_what_forgotten_objects_turned_out_to_be_is_said_of_a_new_one_of_their_name() -> None:
    """As long as nothing is known of it by itself."""
    story = Story(KEEP)
    for cls in ["shop.Thing"] * 3 + ["shop.Cup"] * 5 + ["shop.Thing"] * 80:
        story.dies(story.request(cls=cls), "collector")
    newest = story.request(cls="shop.Cup")
    lives = story.history.snapshot().lifetimes
    assert [life.id for life in lives if life.cls == "shop.Cup"] == [newest]
    assert (story.life(newest).scope, story.life(newest).earlier) == ("undecided", "request")


def test_nothing_is_remembered_of_each_request() -> None:
    """No container holds more after a thousand than after a hundred."""

    def sizes(story: Story) -> dict[str, int]:
        history = story.history
        owners = (history, history.log, history.requests, history.objects, history.objects.ledger)
        return {
            f"{type(owner).__name__}.{name}": len(value)
            for owner in owners
            for name, value in vars(owner).items()
            if hasattr(value, "__len__")
        }

    story = forgetful()
    before = sizes(story)
    for _ in range(1000):
        story.dies(story.request())
    assert {name for name, size in sizes(story).items() if size > before[name] + 40} == {
        "RequestLog._begins",
        "RequestLog._closes",
    }, "the times of beginning and closing are remembered up to limits of their own"
