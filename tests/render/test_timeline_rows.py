"""The rows of a timeline: which stages are nested, folded or left out."""

from __future__ import annotations

import pytest

from tests.render.drawing import (
    WIDTHS,
    draw_timeline,
    plain,
    row,
    widest,
)
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import Timeline
from tracer.render.layout.theme import TIMES


def test_stages_stand_in_the_order_in_which_they_began(process: Process) -> None:
    """The stage that began first is drawn first."""
    text = plain(Timeline(process, process.requests[0]))
    order = ["request_started", "SecurityMiddleware", "XFrameOptions", "resolve →", "view ",
             "compile ", "SQL SELECT", "response.close", "request_finished"]  # fmt: skip
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)


def test_a_stage_is_indented_below_the_stage_it_ran_in(process: Process) -> None:
    """The indent shows the nesting."""
    text = plain(Timeline(process, process.requests[0]))
    depths = [
        len(line) - len(line.lstrip())
        for line in text.splitlines()
        if line.lstrip().startswith(("Security", "Session", "Common", "resolve", "SQL"))
    ]
    assert depths == sorted(set(depths))


def test_a_run_of_alike_queries_is_folded_into_one_row(process: Process) -> None:
    """Of fifty, two are drawn and the rest are counted; their times are added up."""
    text = plain(Timeline(process, process.requests[4]), 200)
    lines = [line for line in text.splitlines() if "SQL SELECT cafe_dish" in line]
    assert len(lines) == 3
    assert f"{TIMES} 48 more" in lines[2]
    assert "0.86" in lines[2]
    assert "50 in all" in lines[2]


@pytest.mark.parametrize("width", [80, 118])
def test_a_folded_row_says_how_many_however_narrow(process: Process, width: int) -> None:
    """The name is cropped before the count is."""
    assert f"{TIMES} 48 more" in plain(Timeline(process, process.requests[4]), width)


def test_queries_that_alternate_are_folded_too() -> None:
    """A query for the author and one for the price of every dish: two rows for each, then two."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("view", "list"):
        for _ in range(20):
            now.does("query", "SELECT author")
            now.does("query", "SELECT price")
    lines = [line for line in draw_timeline(sample).splitlines() if "SELECT" in line]
    assert len(lines) == 6
    assert f"SELECT author {TIMES} 18 more" in lines[4]
    assert f"SELECT price {TIMES} 18 more" in lines[5]


def test_four_alike_queries_are_all_drawn() -> None:
    """Folding begins with five."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("view", "list"):
        for _ in range(4):
            now.does("query", "SELECT author")
    assert draw_timeline(sample).count("SELECT author") == 4


def test_a_failing_query_is_not_folded() -> None:
    """A stage with an error is not alike."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("view", "list"):
        for index in range(30):
            error = "OperationalError" if index == 15 else ""
            now.does("query", "SELECT author", error=error)
    assert "raises OperationalError" in draw_timeline(sample)


def test_of_hundreds_of_stages_the_longest_are_drawn_and_the_others_counted() -> None:
    """With all stages that enclose them."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("view", "list"):
        for index in range(300):
            now.does("query", f"SELECT table_{index}", took=5000 if index == 250 else 10)
    text = draw_timeline(sample)
    assert len(text.splitlines()) < 80
    assert "SELECT table_250" in text
    assert "view list" in text
    assert "231 shorter stages not drawn" in text


def test_a_stage_on_another_thread_has_the_threads_letter_at_every_width() -> None:
    """The thread's name stands below."""
    sample = SampleProcess()
    sample.thread(1, "MainThread")
    sample.thread(7, "Thread-7 (mailer)")
    with sample.request() as now, now.stage("view", "page"):
        now.does("query", "SELECT outbox", thread=7)
    for width in WIDTHS:
        text = draw_timeline(sample, width)
        query = next(line for line in text.splitlines() if line.lstrip().startswith("SQL"))
        assert query.endswith(" A") or " A " in query
        assert " A " not in next(line for line in text.splitlines() if "view" in line)
        assert "A on thread Thread-7 (mailer)" in text


def test_a_line_announces_the_streamed_body() -> None:
    """It stands before its first row."""
    sample = SampleProcess()
    with sample.request() as now:
        now.does("middleware", "Outer")
        with now.stage("body", "streamed body", detail="3 chunks"):
            now.does("query", "SELECT dish")
    lines = draw_timeline(sample).splitlines()
    index = next(i for i, line in enumerate(lines) if "streamed body" in line)
    assert "the body, streamed after every middleware had returned" in lines[index - 1]


@pytest.mark.parametrize("width", [80, 118])
def test_an_exception_is_named_where_it_left_a_stage(width: int) -> None:
    """Without a column for objects it stands at the name."""
    sample = SampleProcess()
    with sample.request(status=500) as now, now.stage("middleware", "Outer"):
        now.does("view", "cafe.views.broken", error="KeyError")
    text = draw_timeline(sample, width)
    assert "raises KeyError" in row(text, "view")
    assert "500 Internal Server Error" in text


def test_a_request_deeper_than_the_terminal_is_wide_still_shows_names() -> None:
    """The indent never takes more than half of the name's room."""
    sample = SampleProcess()
    with sample.request() as now:
        stack = [now.stage("template", f"level_{index}.html") for index in range(60)]
        for each in stack:
            each.__enter__()
        for each in reversed(stack):
            each.__exit__(None, None, None)
    text = draw_timeline(sample, 80)
    last = next(line for line in reversed(text.splitlines()) if "template" in line)
    assert "html" in last
    assert widest(text) <= 80


def test_what_does_not_fit_beside_a_stage_ends_in_one_ellipsis() -> None:
    """At every width."""
    sample = SampleProcess()
    with sample.request() as now:
        view = now.builds("view", "Menu view")
        now.does("view", "page", view, detail="in some place", error="Resolver404")
    for width in range(100, 140):
        assert "……" not in draw_timeline(sample, width)
