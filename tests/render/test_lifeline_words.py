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
    """Three baskets in one list differ in their index, which is left open."""
    found = row(plain(Lifelines(process)), f"Basket {TIMES} 3")
    assert "KEPT since #3 · by cafe.views.RECENT[…]" in found
    assert line_of(plain(Lifelines(process)), f"Basket {TIMES} 3").count("●") == 3


def test_a_kept_object_alone_names_its_holder_in_full() -> None:
    """It shares a list with two of other names."""
    sample = SampleProcess()
    for number, name in enumerate(("Basket", "Basket full", "Basket empty")):
        with sample.request() as now:
            sample.held(now.builds("watched", name), f"cafe.views.RECENT[{number}]")
    assert "KEPT" not in draw_lifelines(sample)
    sample.walks()
    words = "KEPT since #3 · by cafe.views.RECENT[2]"
    assert row(draw_lifelines(sample), "Basket empty").endswith(words)


def test_one_at_a_time_is_said_of_what_each_request_replaces() -> None:
    """Also of those that were replaced."""
    sample = SampleProcess()
    before: list[int] = []
    for _ in range(4):
        with sample.request() as now:
            token = now.builds("watched", "Basket")
            sample.replaced(*before)
            before = [token]
    sample.held(token, "cafe.views.Audit.request")
    sample.walks()
    lines = draw_lifelines(sample, 200).splitlines()
    rows = [line for line in lines if line.startswith(" Basket")]
    words = "KEPT · one at a time, replaced by each request · by cafe.views.Audit.request"
    assert all(each.endswith(words) for each in rows)
    assert "".join(rows).count("○") == 3


def test_at_eighty_columns_the_words_for_a_kept_object_say_so(process: Process) -> None:
    """The holder's path is cropped at its start."""
    found = row(plain(Lifelines(process), 80), f"Basket {TIMES} 3")
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
    sample.held(wrapper, "django.db.connections.default", "thread", 2)
    sample.walks()
    assert "thread · worker-2" in row(draw_lifelines(sample), "DatabaseWrapper")
    sample.thread_ends(2, wrapper)
    with sample.request(thread=3):
        pass
    sample.dies(wrapper)
    assert "thread · worker-2 · ended with it" in row(draw_lifelines(sample), "DatabaseWrapper")


@pytest.mark.parametrize(
    ("how", "later", "words"),
    [
        ("reference", False, "request"),
        ("reference", True, "request · outlived its request by 1 request"),
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
    words = "connection · of ConnectionPool default · used by up to 3 requests"
    assert lines[place + 1].endswith(words)
    assert "connection · of ConnectionPool default" in row(draw_lifelines(sample, 118), "pg")
    assert row(narrow, "pg").endswith("connection · 3 requests")


def test_the_words_for_an_undecided_object_say_why() -> None:
    """Before a walk; after one that found no path, or a task's; a death or an end not seen."""
    sample = SampleProcess()
    with sample.request() as now:
        form = now.builds("form", "OrderForm")
        raw = now.builds("view", "raw", mortal=False)
        lost = now.builds("cache", "LocMemCache")
        held = now.builds("watched", "Basket")
        lives = now.builds("watched", "Crate")
    with sample.request() as now:
        now.uses(lost)
    sample.dies(lost)
    text = draw_lifelines(sample)
    assert "undecided · nobody has looked yet for what holds it" in row(text, "OrderForm")
    assert "undecided · its end cannot be seen" in row(text, "raw")
    words = "undecided · used again, and gone before its holder was looked for"
    assert words in row(text, "LocMemCache")
    sample.held(held, "Task(work).<coroutine>.basket", "task")
    sample.walks()
    text = draw_lifelines(sample)
    assert form
    words = "undecided · no path to it found: it may wait for the collector"
    assert words in row(text, "OrderForm")
    assert "undecided · only Task(work).<coroutine>.basket holds it" in row(text, "Basket")
    sample.collects(form)
    assert "undecided · held, but no path to it was found" in row(draw_lifelines(sample), "Crate")
    assert raw, lives


def test_what_later_requests_did_not_use_is_said_with_its_scope() -> None:
    """Of two in one place, a later request used one."""
    sample = SampleProcess()
    with sample.request() as now:
        first, second = (now.builds("watched", "Rate") for _ in range(2))
    for index, token in enumerate((first, second)):
        sample.held(token, f"cafe.RATES[{index}]")
    sample.walks()
    words = "process · built in #1, not used since"
    assert row(draw_lifelines(sample), "Rate").endswith(words)
    with sample.request() as now:
        now.uses(first)
    words = "process · built in #1, 1 not used since"
    assert row(draw_lifelines(sample), "Rate").endswith(words)
    with sample.request() as now:
        now.uses(second)
    words = "process · built on first use, in #1"
    assert row(draw_lifelines(sample), "Rate").endswith(words)


def test_what_an_import_built_names_the_module() -> None:
    """It was built once, for the process, however it is held."""
    sample = SampleProcess()
    with sample.request() as now:
        now.imported("cafe.late", now.builds("queryset", "QuerySet"))
    words = "process · made by the import of cafe.late in #1"
    assert row(draw_lifelines(sample), "QuerySet").endswith(words)


def test_what_a_running_function_holds_is_the_thread_s_while_it_runs() -> None:
    """The path begins at the function."""
    sample = SampleProcess()
    with sample.request() as now:
        job = now.builds("watched", "Job")
    sample.held(job, "cafe.mail.send()", "running", 3)
    sample.walks()
    words = "thread · while cafe.mail.send() runs"
    assert row(draw_lifelines(sample), "Job").endswith(words)
