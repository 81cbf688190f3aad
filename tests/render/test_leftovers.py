"""What a process's requests left behind: a line for each place that holds it."""

from __future__ import annotations

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, assert_fits, plain
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render.layout.theme import TIMES
from tracer.render.pictures.leftovers import Leftovers


def drawn(sample: SampleProcess, width: int = 200) -> list[str]:
    """Returns the lines, without the title."""
    return plain(Leftovers(sample.process()), width).splitlines()[1:]


def test_the_title_says_which_process_and_whether_it_was_looked_at(process: Process) -> None:
    """With its requests and walks."""
    title = plain(Leftovers(process)).splitlines()[0]
    assert title == " Left behind in process 48213 · 6 requests · 1 walk"


def test_a_place_says_what_lies_there_since_when_and_of_which_pages(process: Process) -> None:
    """In one line."""
    (line,) = plain(Leftovers(process), 200).splitlines()[1:]
    assert line == (
        f"  KEPT by cafe.views.RECENT[…] · Basket {TIMES} 3 · of 3 requests since #3"
        f" · GET /menu/ {TIMES} 3"
    )


def test_each_place_has_a_line() -> None:
    """Whatever their number."""
    sample = SampleProcess()
    for number in range(3):
        with sample.request() as now:
            for index in range(30):
                sample.held(now.builds("watched", "Basket"), f"cafe.views.L{index}[{number}]")
    sample.walks()
    lines = drawn(sample)
    assert sorted(line.split(" · ")[0] for line in lines) == sorted(
        f"  KEPT by cafe.views.L{index}[…]" for index in range(30)
    )


def test_what_a_kept_object_leads_to_is_counted_with_it() -> None:
    """By attributes or items; a place of a like name is another."""
    sample = SampleProcess()
    for _ in range(3):
        with sample.request() as now:
            path = "cafe.views.RECENT"
            sample.held(now.builds("request", "WSGIRequest"), path)
            sample.held(now.builds("session", "SessionStore"), f"{path}.session")
            sample.held(now.builds("user", "User"), f"{path}['user']")
            sample.held(now.builds("form", "Form"), f"{path}_TOO")
    sample.walks()
    first, second = drawn(sample)
    assert f"WSGIRequest {TIMES} 3 · 6 objects that it reaches · of 3 requests" in first
    assert second.startswith(f"  KEPT by cafe.views.RECENT_TOO · Form {TIMES} 3 · of 3 requests")


def test_one_object_that_each_request_replaces_is_named_with_its_path() -> None:
    """The count of requests would say nothing: there is one of them at any time."""
    sample = SampleProcess()
    before: list[int] = []
    for _ in range(4):
        with sample.request() as now:
            token = now.builds("request", "WSGIRequest")
            sample.replaced(*before)
            before = [token]
    sample.held(token, "cafe.LAST[0]")
    sample.walks()
    (line,) = drawn(sample)
    words = "KEPT by cafe.LAST[0] · WSGIRequest · one at a time, replaced by each request"
    assert words in line
    assert "since" not in line


def test_what_is_gone_is_not_left() -> None:
    """Though it was kept for a while."""
    sample = SampleProcess()
    sample.dies(*sample.leaks("Basket"))
    assert drawn(sample) == ["  nothing"]


def test_without_a_walk_nothing_is_said_of_what_is_left() -> None:
    """Nothing found is another thing than nobody looked."""
    sample = SampleProcess()
    with sample.request() as now:
        now.builds("watched", "Basket")
    assert drawn(sample) == ["  nobody has looked yet for what holds the objects"]
    sample.walks()
    assert drawn(sample) == ["  nothing"]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(process: Process, width: int) -> None:
    """At every width, and in ASCII; colour changes no character."""
    assert_fits(Leftovers(process), width)


def test_hostile_names_and_holders_are_escaped() -> None:
    """As in every picture."""
    sample = SampleProcess()
    for _ in range(3):
        with sample.request("/\x1b[2J") as now:
            sample.held(now.builds("watched", "\x1b[1mBasket"), "a.\x9bb")
    sample.walks()
    text = plain(Leftovers(sample.process()), 200)
    assert ESCAPE not in text
    assert "KEPT by a.\\x9bb" in text
