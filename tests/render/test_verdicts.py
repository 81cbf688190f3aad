"""The line that follows timelines: what became of objects that were undecided in them."""

from __future__ import annotations

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, assert_fits, plain
from tests.render.sample_cafe import cafe
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.render.pictures.verdicts import Verdicts


def drawn(sample: SampleProcess, width: int = 200) -> list[str]:
    """Returns the lines for all of a sample's requests."""
    process = sample.process()
    return plain(Verdicts(process, process.requests), width).splitlines()


def test_a_request_that_left_something_has_a_line_of_its_own(process: Process) -> None:
    """It counts what each holder has of it."""
    lines = plain(Verdicts(process, process.requests), 200).splitlines()
    assert lines[:3] == [
        f" #{number} GET /menu/?page=… · 3 freed late · 1 KEPT by cafe.views.RECENT[…]"
        for number in (3, 4, 5)
    ]


def test_all_other_requests_share_a_line(process: Process) -> None:
    """It adds up what became of their objects."""
    *_, last = plain(Verdicts(process, process.requests), 200).splitlines()
    assert last == (" #1, #2, #6 · 6 freed late · 56 stay for later requests · 3 undecided still")


def test_one_object_that_stays_is_said_in_the_singular() -> None:
    """The words agree."""
    sample = SampleProcess()
    with sample.request() as now:
        sample.held(now.builds("engine", "Engine"), "cafe.ENGINE")
    sample.walks()
    assert drawn(sample) == [" #1 · 1 stays for later requests"]


def test_a_request_of_which_nothing_is_left_to_say_has_its_number_alone() -> None:
    """All that it built was gone with it."""
    sample = SampleProcess()
    with sample.request() as now:
        form = now.builds("form", "Form")
    sample.dies(form)
    assert drawn(sample) == [" #1"]


def test_two_holders_of_one_request_are_both_named() -> None:
    """The second leak does not hide behind the first."""
    sample = SampleProcess()
    for number in range(3):
        with sample.request() as now:
            for holder in ("cafe.log.BUFFER", "cafe.views.RECENT"):
                sample.held(now.builds("watched", "Basket"), f"{holder}[{number}]")
    sample.walks()
    words = "1 KEPT by cafe.log.BUFFER[…] · 1 KEPT by cafe.views.RECENT[…]"
    assert all(line.endswith(words) for line in drawn(sample))


def test_what_a_kept_object_leads_to_is_counted_with_it() -> None:
    """By attributes or items; a place of a like name is another."""
    sample = SampleProcess()
    for _ in range(3):
        with sample.request() as now:
            for end in ("", ".user", "['form']", "_TOO"):
                sample.held(now.builds("watched", "Basket"), f"cafe.views.RECENT{end}")
    sample.walks()
    words = "3 KEPT by cafe.views.RECENT · 1 KEPT by cafe.views.RECENT_TOO"
    assert all(line.endswith(words) for line in drawn(sample))


def test_what_was_kept_and_is_gone_is_not_kept_any_more() -> None:
    """It was freed late."""
    sample = SampleProcess()
    first, *_ = sample.leaks("Basket", requests=4)
    sample.dies(first)
    assert drawn(sample)[-1] == " #1 · 1 freed late"


def test_runs_of_numbers_are_written_as_runs() -> None:
    """In order, whatever the order of the requests."""
    sample = SampleProcess()
    for _ in range(7):
        with sample.request():
            pass
    process = sample.process()
    some = [process.requests[index] for index in (6, 1, 2, 0, 4)]
    assert plain(Verdicts(process, some)).strip() == "#1 to #3, #5, #7"
    assert plain(Verdicts(process, some[1:3])).strip() == "#2, #3"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """At every width, and in ASCII; colour changes no character."""
    process = cafe()
    assert_fits(Verdicts(process, process.requests), width)


def test_hostile_paths_and_holders_are_escaped() -> None:
    """As in every picture."""
    sample = SampleProcess()
    for _ in range(3):
        with sample.request("/\x1b[2J", method="\x1b[1m") as now:
            sample.held(now.builds("watched", "Basket"), "a.\x9bb")
    sample.walks()
    text = plain(Verdicts(sample.process(), sample.process().requests), 200)
    assert ESCAPE not in text
    assert "KEPT by a.\\x9bb" in text
