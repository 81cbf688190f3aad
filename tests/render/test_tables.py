"""The ledger, the cost of the first request, and the overview."""

from __future__ import annotations

from typing import Any

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, plain, row, uncoloured, widest
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process, ProcessStarted
from tracer.render import FirstRequest, Ledger, Overview, to_text
from tracer.render.layout.theme import TIMES

PICTURES = (Ledger, FirstRequest, Overview)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(process: Process, picture: Any, width: int) -> None:
    """At every width."""
    assert widest(plain(picture(process), width)) <= width


@pytest.mark.parametrize("picture", PICTURES)
def test_colour_adds_codes_and_changes_no_character(process: Process, picture: Any) -> None:
    """No meaning is carried by colour alone."""
    coloured = to_text(picture(process), width=118, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == plain(picture(process))
    assert ESCAPE not in plain(picture(process))


@pytest.mark.parametrize("picture", PICTURES)
def test_ascii_streams_get_ascii(process: Process, picture: Any) -> None:
    """No glyph becomes a question mark."""
    text = plain(picture(process), encoding="ascii")
    assert text.isascii()
    assert "?" not in text.replace("?page", "")


@pytest.mark.parametrize("picture", PICTURES)
def test_a_process_that_has_done_nothing_is_drawn(picture: Any) -> None:
    """The title names the process."""
    assert "rocess 48213" in plain(picture(SampleProcess().process()))


def test_the_ledger_has_every_class_with_its_numbers(process: Process) -> None:
    """Built, alive, scope, first built, requests, freed."""
    text = plain(Ledger(process))
    assert len(text.splitlines()) == 2 + len(process.ledger)
    assert row(text, "URLPattern").split() == ["URLPattern", "48", "48", "process", "#1", "6"]
    found = row(text, "Menu")
    assert "5 request · 1 undecided" in found
    assert found.endswith("5 by the collector")
    assert " boot " in row(text, "WSGIHandler")
    assert " before " in row(text, "ModelSignal")
    assert row(text, "Basket").split()[:3] == ["Basket", "6", "3"]
    assert "3 KEPT" in row(text, "Basket")
    assert row(text, "Basket").endswith("3 with the response")


def test_rows_of_one_name_show_their_kind() -> None:
    """Their names alone would not distinguish them."""
    sample = SampleProcess()
    sample.built("boot", ("engine", "Engine"), ("backend", "Engine"))
    text = plain(Ledger(sample.process()))
    assert "Engine (engine)" in text
    assert "Engine (backend)" in text


def test_after_the_end_the_ledger_says_what_was_freed_with_a_thread() -> None:
    """In words, not in the model's terms."""
    sample = SampleProcess()
    with sample.request(thread=2) as now:
        wrapper = now.builds("database", "DatabaseWrapper default")
    sample.thread_ends(2, wrapper)
    with sample.request(thread=3):
        pass
    sample.dies(wrapper)
    assert "1 with its thread" in row(plain(Ledger(sample.process())), "DatabaseWrapper")


def test_the_first_request_stands_beside_the_second(process: Process) -> None:
    """Numbers of both, and the names of what the first had."""
    text = plain(FirstRequest(process))
    assert row(text, "modules imported").split()[2:4] == ["26", "0"]
    assert "cafe.part_0" in row(text, "modules imported")
    assert row(text, "objects built").split()[2:] == ["61", "9"]
    assert row(text, "that stay").split()[2:4] == ["54", "2"]
    assert f"URLPattern {TIMES} 48" in row(text, "that stay")
    assert row(text, "templates compiled").split()[2:4] == ["1", "0"]
    assert row(text, "connections opened").split()[2:] == ["1", "1"]
    assert row(text, "queries").split()[1:] == ["1", "1"]


def test_the_slower_request_has_the_longer_bar(process: Process) -> None:
    """Both are drawn on one scale, with their measured times."""
    bars = [line for line in plain(FirstRequest(process)).splitlines() if "━" in line]
    assert bars[0].count("━") > bars[1].count("━")
    assert "5.20 ms" in bars[0]
    assert "4.35 ms" in bars[1]


def test_without_a_second_request_nothing_is_compared() -> None:
    """A note says so; the first request is shown."""
    sample = SampleProcess()
    with sample.request() as now:
        now.builds("engine", "Engine")
    text = plain(FirstRequest(sample.process()))
    assert "There is no second request yet to compare with." in text
    assert row(text, "objects built").split() == ["objects", "built", "1"]


def test_a_note_says_that_the_requests_are_for_different_pages() -> None:
    """Then some of the difference is that of the pages."""
    sample = SampleProcess()
    for path in ("/a/", "/b/"):
        with sample.request(path):
            pass
    assert "They asked for different pages" in plain(FirstRequest(sample.process()))


def test_a_sentence_says_why_there_is_no_first_request() -> None:
    """It is forgotten, was cut off, or has not come yet."""
    assert "There was no request yet." in plain(FirstRequest(SampleProcess().process()))
    sample = SampleProcess()
    for _ in range(2):
        with sample.request():
            pass
    del sample.facts[1]
    assert "It is no longer remembered." in plain(FirstRequest(sample.process()))


def test_the_overview_has_the_facts_of_the_process(process: Process) -> None:
    """Pid, versions, server, and how many requests it served."""
    text = plain(Overview(process))
    for words in ("Process 48213 · gunicorn gthread", "Python 3.13.0 · Django 6.1.3",
                 "parent 48200", "6 requests served"):  # fmt: skip
        assert words in text
    assert "ended in an orderly way" not in text
    assert "ended in an orderly way" in plain(Overview(cafe(end=True)))


def test_the_overview_counts_what_was_built_before_the_first_request(process: Process) -> None:
    """By kind, with names."""
    text = plain(Overview(process))
    before = row(text, "built before tracing: 16")
    assert f"ModelSignal {TIMES} 8" in before
    assert "settings" in before
    boot = row(text, "built at boot: 8")
    assert "middleware: SecurityMiddleware" in boot
    assert "handler: WSGIHandler" in boot


def test_what_was_built_between_requests_is_not_called_boot() -> None:
    """Boot ends where the first request begins."""
    sample = SampleProcess()
    with sample.request():
        pass
    sample.built("boot", ("thread", "mailer"))
    assert "built at boot: nothing seen" in plain(Overview(sample.process()))


def test_a_forked_child_names_the_process_that_built_its_application() -> None:
    """That is its parent."""
    sample = SampleProcess()
    about = ProcessStarted(2, 1, "gunicorn", "sync", "3.13", "6.1", 0.0, 0, inherited=True)
    sample.facts[0] = about
    assert "its application was built by 1 and handed down by fork" in plain(
        Overview(sample.process())
    )


@pytest.mark.parametrize("picture", PICTURES)
def test_hostile_names_are_escaped(picture: Any) -> None:
    """Names of servers, classes, modules and paths."""
    sample = SampleProcess(server="\x1b[2J")
    sample.built("boot", ("\x1b[1m", "\x1b[2mX"))
    with sample.request("/\x1b[3m", imports=("\x1b[4m",)) as now:
        now.does("compile", "\x1b[5m")
        now.builds("\x1b[6m", "\x1b[7m", cls="a.\x1b[8m")
    assert ESCAPE not in plain(picture(sample.process()))
