"""The lifelines of one process: columns, lines, title and legend."""

from __future__ import annotations

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, draw_lifelines, plain, row, uncoloured, widest
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process, scope
from tracer.render import Lifelines, to_text


def line_of(text: str, starts: str) -> str:
    """Returns the line of a row, without its label and its words."""
    found = row(text, starts)
    left = found.index("●")
    return found[left : max(found.rfind(mark) for mark in "○▶") + 1]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("last", [1, 3, 12])
def test_no_line_is_wider_than_the_terminal(process: Process, width: int, last: int) -> None:
    """At every width, for any number of requests."""
    assert widest(plain(Lifelines(process, last), width)) <= width


@pytest.mark.parametrize("width", [80, 118, 200])
def test_every_scope_appears_in_one_picture(process: Process, width: int) -> None:
    """As a word; kept in capitals."""
    lines = plain(Lifelines(process), width).splitlines()[2:]
    for verdict in scope.SCOPES:
        word = "KEPT" if verdict == scope.KEPT else verdict
        assert any(f" {word}" in line for line in lines), verdict


def test_there_are_columns_for_before_tracing_for_boot_and_for_each_request(
    process: Process,
) -> None:
    """Their heads say which is which."""
    head = plain(Lifelines(process)).splitlines()[1]
    assert head.split() == ["before", "boot", "#1", "#2", "#3", "#4", "#5", "#6", "lives", "for"]


def test_a_line_ends_in_an_arrow_for_living_and_in_a_ring_for_dead_objects(
    process: Process,
) -> None:
    """Births are dots."""
    text = plain(Lifelines(process))
    assert line_of(text, "settings").endswith("▶")
    assert line_of(text, "QuerySet").endswith("○")
    assert line_of(text, "QuerySet").count("●") == line_of(text, "QuerySet").count("○") == 6


def test_a_line_is_heavy_where_a_request_used_the_object_and_light_where_none_did() -> None:
    """Used by the first and the third request of four."""
    sample = SampleProcess()
    (token,) = sample.built("boot", ("engine", "Engine"))
    for number in range(1, 5):
        with sample.request() as now:
            if number in (1, 3):
                now.uses(token)
    text = draw_lifelines(sample)
    head, found = text.splitlines()[1], row(text, "Engine")
    shapes = [found[head.index(f"#{number}") + 1] for number in range(1, 5)]
    assert shapes == ["━", "─", "━", "─"]


def test_a_line_begins_in_the_column_of_its_birth_and_ends_in_that_of_its_death() -> None:
    """Born in the second request, freed by the collector while the fourth was the newest."""
    sample = SampleProcess()
    tokens = []
    for number in range(1, 6):
        with sample.request() as now:
            if number == 2:
                tokens.append(now.builds("form", "OrderForm"))
        if number == 4:
            sample.collects(*tokens)
    text = draw_lifelines(sample)
    head, found = text.splitlines()[1], row(text, "OrderForm")
    assert head.index("#2") == found.index("●")
    assert head.index("#4") < found.index("○") < head.index("#5")
    assert "request · freed late, by the collector" in found


def test_only_the_latest_requests_get_a_column_and_earlier_objects_are_counted() -> None:
    """Twenty requests, twelve columns; older lines begin in the column of omitted requests."""
    sample = SampleProcess()
    engine = 0
    for number in range(1, 21):
        with sample.request() as now:
            engine = engine or now.builds("engine", "Engine")
            now.uses(engine)
            form = now.builds("form", "OrderForm")
        sample.dies(form)
        assert number
    text = draw_lifelines(sample, 200)
    head = text.splitlines()[1].split()
    assert head[:3] == ["boot", "…", "#9"]
    assert head[-3] == "#20"
    assert row(text, "Engine").index("●") == text.splitlines()[1].index("…")
    assert row(text, "OrderForm").count("●") == 12
    assert "8 objects lived and died before #9" in text


def test_a_note_says_that_the_tracer_ran_a_collection() -> None:
    """There is none for other collections."""
    sample = SampleProcess()
    with sample.request():
        pass
    sample.collects()
    words = "The tracer ran a full collection before drawing this, to see which objects"
    assert words not in draw_lifelines(sample)
    sample.collects(by="tracer")
    assert words in draw_lifelines(sample)


def test_the_title_says_which_process_and_server(process: Process) -> None:
    """And how many requests it served."""
    title = plain(Lifelines(process)).splitlines()[0].strip()
    assert title == (
        "Lifelines of process 48213 · gunicorn gthread · 6 requests · one column per request"
    )


def test_the_legend_explains_the_marks() -> None:
    """For an ended process, the arrow has another meaning."""
    assert plain(Lifelines(cafe())).splitlines()[-1].endswith("▶ lives on")
    assert "▶ lived until the process ended" in plain(Lifelines(cafe(end=True)))
    assert "● born · ○ freed · ━ used by a request · ─ alive but not used" in plain(
        Lifelines(cafe())
    )


def test_a_process_without_requests_or_objects_is_drawn() -> None:
    """A note says that nothing was built yet."""
    text = draw_lifelines(SampleProcess())
    assert "0 requests" in text
    assert "nothing was seen being built yet" in text


def test_an_object_built_between_requests_begins_in_the_column_of_the_newest() -> None:
    """Boot is the time before the first request."""
    sample = SampleProcess()
    for _ in range(2):
        with sample.request():
            pass
    sample.built("boot", ("thread", "mailer"))
    text = draw_lifelines(sample)
    assert row(text, "mailer").index("●") == text.splitlines()[1].index("#2")


def test_colour_adds_codes_and_changes_no_character(process: Process) -> None:
    """No meaning is carried by colour alone."""
    coloured = to_text(Lifelines(process), width=118, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == plain(Lifelines(process))
    assert ESCAPE not in plain(Lifelines(process))


def test_ascii_streams_get_ascii_lines(process: Process) -> None:
    """Every mark has a character of its own."""
    text = plain(Lifelines(process), encoding="ascii")
    assert text.isascii()
    assert "?" not in text
    assert "o==x" in row(text, "QuerySet")
    assert row(text, "settings").rstrip().endswith("> process")


def test_what_was_built_since_the_last_walk_is_told_apart_from_what_it_did_not_find() -> None:
    """Of the newer one nobody has looked for what holds it."""
    sample = SampleProcess()
    with sample.request() as now:
        now.builds("form", "Early")
    sample.walks()
    with sample.request() as now:
        now.builds("form", "Late")
    text = draw_lifelines(sample, 200)
    assert row(text, "Early").endswith(
        "undecided · no path to it found: it may wait for the collector"
    )
    assert row(text, "Late").endswith("undecided · nobody has looked yet for what holds it")


def test_hostile_names_are_escaped() -> None:
    """Names of objects, holders, threads and servers."""
    sample = SampleProcess(server="\x1b[2J", mode="\x07")
    sample.thread(1, "\x1b[31m")
    with sample.request() as now:
        token = now.builds("form", "\x1b[31mForm[bold]")
    with sample.request(thread=4):
        pass
    sample.held(token, "a.\x9bb", "running", 1)
    sample.walks()
    text = draw_lifelines(sample, 200)
    assert ESCAPE not in text
    assert "\\x1b[31mForm[bold]" in text
    assert "a.\\x9bb" in text
