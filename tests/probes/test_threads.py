"""Threads that end: what lies in their storage, and what they let go, is theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.facts.site import GATE, HELD
from tests.support.client import Recording

Record = Callable[..., Recording]
LOCAL = threading.local()


class Basket:
    """What requests put somewhere."""


@pytest.fixture
def recording(db: None, settings: Any, record: Record) -> Iterator[Recording]:
    """The facts' small site, with baskets watched."""
    settings.ROOT_URLCONF = "tests.facts.urls"
    settings.MIDDLEWARE = []
    with record(watch=(f"{__name__}.Basket",)) as made:
        yield made
    GATE.clear()
    HELD.clear()


def on_thread(*work: Callable[[], Any]) -> int:
    """Does this in a thread of its own; returns its identifier when it has ended."""

    def run() -> None:
        for each in work:
            each()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    assert thread.ident is not None
    return thread.ident


def asks(recording: Recording, work: Callable[[], Any]) -> Callable[[], Any]:
    """Returns what serves a request that does this."""

    def ask() -> None:
        GATE["work"] = work
        recording.get("/step/?work")

    return ask


def lives(recording: Recording) -> list[tuple[str, str | None]]:
    """Returns scope and end of each basket."""
    recording.process  # noqa: B018
    return [(life.scope, life.freed) for life in recording.lifetimes_of("Basket")]


def keep() -> None:
    """Puts a basket into the thread's storage."""
    LOCAL.basket = Basket()


def keep_in_a_list() -> None:
    """Puts baskets into a list there."""
    LOCAL.baskets = [Basket(), Basket()]


def test_what_lies_in_a_thread_s_storage_ends_with_the_thread(recording: Recording) -> None:
    """No walk has come by, and no collection."""
    on_thread(asks(recording, keep))
    assert lives(recording) == [("thread", "thread")]


def test_also_what_lies_in_a_list_there(recording: Recording) -> None:
    """As a pool of connections for each thread does."""
    on_thread(asks(recording, keep_in_a_list))
    assert lives(recording) == [("thread", "thread")] * 2


def test_what_outlives_the_thread_in_whose_storage_it_lay_is_still_the_thread_s(
    recording: Recording,
) -> None:
    """Something else held it, too, for a while."""

    def work() -> None:
        keep()
        HELD.append(LOCAL.basket)

    on_thread(asks(recording, work))
    assert [scope for scope, _ in lives(recording)] == ["thread"]
    HELD.clear()
    (life,) = recording.lifetimes_of("Basket")
    assert life.scope == "thread"


def test_what_a_thread_took_out_of_its_storage_before_its_end_is_not_the_thread_s(
    recording: Recording,
) -> None:
    """A request cleans up after itself."""

    def work() -> None:
        keep()
        del LOCAL.basket

    on_thread(asks(recording, work))
    assert lives(recording) == [("request", "response")]


def test_what_a_request_left_is_not_a_later_thread_s_that_lets_it_go(
    recording: Recording,
) -> None:
    """Though that thread has the identifier of the one that built it, which has ended."""
    ident = on_thread(asks(recording, lambda: HELD.append(Basket())))

    def drop() -> None:
        if threading.get_ident() == ident:
            HELD.clear()

    for _ in range(1000):
        on_thread(drop)
        if not HELD:
            break
    else:
        pytest.skip("the operating system does not reuse identifiers here")
    (life,) = recording.lifetimes_of("Basket")
    assert (life.scope, life.freed) == ("request", "response")


def test_a_thread_that_cannot_be_asked_for_its_storage_ends_all_the_same(
    recording: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The fault is one line of log."""

    def fail(*_: object) -> list[int]:
        raise MemoryError

    monkeypatch.setattr("tracer.heap.thread_locals.tokens_in", fail)
    before = threading.active_count()
    on_thread(asks(recording, keep))
    on_thread(asks(recording, keep))
    assert threading.active_count() == before
    assert [record.getMessage() for record in caplog.records if "a fault of its own" in record.msg]
    assert len([each for each in caplog.records if each.name == "tracer"]) == 1
