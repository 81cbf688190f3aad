"""The timeline of one request: heading, axis, bars, and safe text."""

from __future__ import annotations

import pytest

from tests.render.drawing import (
    ESCAPE,
    WIDTHS,
    draw_timeline,
    plain,
    row,
    timeline_of,
    uncoloured,
    widest,
)
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render import Timeline, to_text


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(process: Process, width: int) -> None:
    """Each stage has one line at every width, so nothing has wrapped."""
    for request in process.requests:
        text = plain(Timeline(process, request), width)
        assert widest(text) <= width
        if width >= 80:
            assert len([line for line in text.splitlines() if "Middleware" in line]) == 7


def test_a_bar_is_heavy_at_its_ends_and_light_while_a_nested_stage_ran() -> None:
    """It shows a stage's own time, that of nested stages, and the time outside."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("middleware", "Outer", took=1000):
        now.does("view", "inner", took=8000)
    outer = row(draw_timeline(sample), "Outer")
    bar = outer[outer.index("━") : outer.rindex("━") + 1]
    assert set(bar.strip("━")) <= set("─╾╼")
    assert bar.count("─") > 5 * bar.count("━")


def test_a_bar_does_not_wait_for_a_nested_stage_that_ended_after_it() -> None:
    """The work of a background thread leaves the bar of the view that started it heavy."""
    sample = SampleProcess()
    with sample.request(status=200) as now:
        with now.stage("view", "starter", took=4000):
            now.does("query", "SELECT slow", took=100, thread=7)
        now.spans[1] = now.spans[1]._replace(end=now.spans[0].end + 5_000_000)
        now.works(6000)
    assert "─" not in row(draw_timeline(sample), "view starter")


def test_an_instant_is_a_single_mark(process: Process) -> None:
    """A stage that took no time has no bar and no milliseconds."""
    line = row(plain(Timeline(process, process.requests[0])), "response HttpResponse")
    assert line.count("◆") == 1
    assert "━" not in line


def test_the_axis_has_ticks_at_round_numbers(process: Process) -> None:
    """5.2 ms over 80 columns are divided into steps of half a millisecond."""
    head = plain(Timeline(process, process.requests[0]), 200).splitlines()[1]
    assert head.split("ms")[1].split() == [
        str(tick / 2 if tick % 2 else tick // 2) for tick in range(1, 11)
    ]


@pytest.mark.parametrize(("took", "first"), [(90, "0 µs"), (4_000, "0 ms"), (12_000_000, "0 s")])
def test_the_axis_takes_the_unit_that_suits(took: int, first: str) -> None:
    """Microseconds, milliseconds or seconds."""
    sample = SampleProcess()
    with sample.request() as now:
        now.does("view", "page", took=took)
    assert first in draw_timeline(sample).splitlines()[1]


def test_the_heading_has_request_and_response(process: Process) -> None:
    """Method, path, status, duration, size; process, request and thread."""
    heading = plain(Timeline(process, process.requests[4])).splitlines()[0]
    for words in ("GET /menu/?page=…", "200 OK", "4.31 ms", "1.9 kB"):
        assert words in heading
    assert "process 48213 · its request 5 · thread ThreadPoolExecutor-0_0" in heading


def test_a_narrow_heading_still_says_process_and_request(process: Process) -> None:
    """At 80 columns the words are shorter and the numbers are there."""
    assert "pid 48213 · #5" in plain(Timeline(process, process.requests[4]), 80).splitlines()[0]


def test_without_colour_there_is_not_one_escape_sequence(process: Process) -> None:
    """For pipes and log files."""
    assert ESCAPE not in plain(Timeline(process, process.requests[4]))


def test_colour_adds_codes_and_changes_no_character(process: Process) -> None:
    """No meaning is carried by colour alone."""
    picture = Timeline(process, process.requests[4])
    coloured = to_text(picture, width=118, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == plain(picture)


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "\x07bell", "a\nb", "\u202efdp", "\ud800x"])
@pytest.mark.parametrize("colour", [True, False])
def test_control_characters_reach_the_terminal_only_as_escapes(hostile: str, colour: bool) -> None:
    """In paths, names, details, errors, thread names, modules and method."""
    sample = SampleProcess()
    sample.thread(7, f"t{hostile}")
    about = {"method": hostile, "thread_name": hostile, "imports": (hostile,), "ending": hostile}
    with sample.request(f"/{hostile}", **about) as now:
        view = now.builds("view", hostile)
        now.does("view", hostile, view, detail=hostile, error=hostile, thread=7)
    text = uncoloured(to_text(timeline_of(sample), width=200, colour=colour))
    assert hostile not in text.replace("\n", "\0")
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    assert hostile.encode("unicode_escape").decode() in text


def test_markup_in_names_is_text() -> None:
    """rich's own notation means nothing in a name."""
    sample = SampleProcess()
    with sample.request("/[bold]/") as now:
        now.does("view", "[red]x[/red]")
    text = draw_timeline(sample)
    assert "/[bold]/" in text
    assert "[red]x[/red]" in text


def test_wide_characters_keep_the_columns_straight() -> None:
    """Widths are counted in cells, not in characters."""
    sample = SampleProcess()
    with sample.request("/メニュー/" * 30) as now:
        now.does("template", "喫茶店" * 30 + ".html", took=5000)
        now.does("template", "plain.html", took=5000)
    for width in WIDTHS:
        text = draw_timeline(sample, width)
        assert widest(text) <= width


def test_a_long_path_is_cropped_with_an_ellipsis(process: Process) -> None:
    """The status stays visible."""
    sample = SampleProcess()
    with sample.request("/" + "x" * 500):
        pass
    heading = draw_timeline(sample).splitlines()[0]
    assert "x…  200 OK" in heading


def test_a_stream_without_box_characters_gets_ascii(process: Process) -> None:
    """Every glyph has a fallback, so no question mark is left."""
    text = plain(Timeline(process, process.requests[4]), encoding="ascii")
    assert text.isascii()
    assert "?" not in text.replace("?page", "")
    assert "===" in row(text, "template cafe/menu.html")
    assert "---" in row(text, "SecurityMiddleware")


def test_many_short_stages_together_make_their_parents_bar_light() -> None:
    """Each is shorter than a cell; together they fill it."""
    sample = SampleProcess()
    with sample.request() as now, now.stage("view", "list", took=10):
        for index in range(400):
            now.does("query", f"SELECT t{index % 7}", took=10)
    bar = row(draw_timeline(sample), "view list")
    assert bar.count("─") > 5 * bar.count("━")
