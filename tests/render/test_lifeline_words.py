"""The words at the end of a lifeline: how long its objects live, and why that is so."""

from __future__ import annotations

import pytest

from tests.render.drawing import draw_lifelines, plain, row
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import Lifelines
from tracer.render.layout.theme import TIMES


def line_of(text: str, starts: str) -> str:
    """The row's line itself, without its label and its words."""
    found = row(text, starts)
    left = found.index("●")
    return found[left : max(found.rfind(mark) for mark in "○▶") + 1]


def test_a_kept_object_says_since_when_and_what_holds_it(process: Process) -> None:
    """Two baskets in one list differ in their index, which is masked."""
    found = row(plain(Lifelines(process)), f"Basket {TIMES} 2")
    assert "KEPT since #3 · by cafe.views.RECENT[…]" in found
    assert line_of(plain(Lifelines(process)), f"Basket {TIMES} 2").count("●") == 2


def test_a_kept_object_alone_names_its_holder_in_full() -> None:
    """Without a known path, the words say so."""
    sample = SampleProcess()
    with sample.request() as now:
        basket, other = now.builds("watched", "Basket"), now.builds("watched", "Crate")
    sample.collects()
    sample.held(basket, "cafe.views.RECENT[0]")
    text = draw_lifelines(sample)
    assert "KEPT since #1 · by cafe.views.RECENT[0]" in row(text, "Basket")
    assert "KEPT since #1 · holder unknown" in row(text, "Crate")
    sample.dies(other)
    assert "KEPT since #1 · holder unknown · freed since" in row(draw_lifelines(sample), "Crate")


def test_at_eighty_columns_the_words_for_a_kept_object_say_so(process: Process) -> None:
    """The holder's path is cropped at its start."""
    found = row(plain(Lifelines(process), 80), f"Basket {TIMES} 2")
    assert "KEPT · " in found
    assert found.endswith(".RECENT[…]")


def test_a_thread_is_named() -> None:
    """One thread has a wrapper, and another thread serves too."""
    sample = SampleProcess()
    sample.thread(2, "worker-2")
    with sample.request(thread=2) as now:
        wrapper = now.builds("database", "DatabaseWrapper default")
    with sample.request(thread=3):
        pass
    with sample.request(thread=2) as now:
        now.uses(wrapper)
    sample.collects()
    assert "thread · worker-2" in row(draw_lifelines(sample), "DatabaseWrapper")
    sample.thread_ends(2)
    with sample.request(thread=3):
        pass
    sample.dies(wrapper)
    assert "thread · worker-2 · ended with it" in row(draw_lifelines(sample), "DatabaseWrapper")


@pytest.mark.parametrize(
    ("how", "later", "words"),
    [
        ("reference", False, "request"),
        ("reference", True, "request · freed late"),
        ("collector", False, "request · freed by the collector"),
        ("collector", True, "request · freed late, by the collector"),
    ],
)
def test_the_words_say_how_a_request_object_was_freed(how: str, later: bool, words: str) -> None:
    """With its request or late, by reference count or by the collector."""
    sample = SampleProcess()
    with sample.request() as now:
        form = now.builds("form", "OrderForm")
    if later:
        with sample.request():
            pass
    sample.dies(form, how=how)
    assert row(draw_lifelines(sample), "OrderForm").endswith(f" {words}")


def test_the_words_for_a_lent_connection_name_the_pool() -> None:
    """Narrow pictures show as much as there is room for."""
    sample = SampleProcess()
    pool, owned = 0, []
    for number in range(4):
        with sample.request() as now:
            pool = pool or now.builds("pool", "ConnectionPool default")
            now.uses(pool)
            if number < 2:
                owned.append(now.builds("connection", "pg", owner=pool))
            now.uses(owned[-1])
    wide, narrow = draw_lifelines(sample, 200), draw_lifelines(sample, 80)
    lines = [line.strip() for line in wide.splitlines()]
    place = next(index for index, line in enumerate(lines) if line.startswith("ConnectionPool"))
    assert lines[place + 1].startswith("pg ")
    words = "connection · of ConnectionPool default · open in up to 3 requests"
    assert lines[place + 1].endswith(words)
    assert "connection · of ConnectionPool default" in row(draw_lifelines(sample, 118), "pg")
    assert row(narrow, "pg").endswith("connection · 3 requests")


def test_the_words_for_an_undecided_object_say_why() -> None:
    """Not used, no collection yet, or used again without one."""
    sample = SampleProcess()
    sample.built("before", ("admin", "admin site"))
    with sample.request() as now:
        engine = now.builds("engine", "Engine")
    with sample.request() as now:
        now.uses(engine)
        now.builds("form", "OrderForm")
        raw = now.builds("connection", "raw", mortal=False)
    with sample.request() as now:
        lost = now.builds("cache", "LocMemCache")
    with sample.request() as now:
        now.uses(lost)
    sample.dies(lost)
    assert raw
    text = draw_lifelines(sample)
    assert "undecided · not used by a request" in row(text, "admin site")
    assert "undecided · used again, no full collection since" in row(text, "Engine")
    assert "undecided · no full collection since" in row(text, "OrderForm")
    assert "undecided · its end cannot be seen" in row(text, "raw")
    assert "undecided · gone before a full collection" in row(text, "LocMemCache")
