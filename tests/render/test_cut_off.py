"""Requests that were cut off: every picture shows their begin and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.render.drawing import WIDTHS, plain, row, widest
from tests.render.sample_process import SampleProcess
from tracer.model import Process
from tracer.model.recorded import RecordedRequests
from tracer.render import Ledger, Lifelines, Timeline
from tracer.render.pictures.first_request import FirstRequest
from tracer.render.pictures.overview import Overview


def killed(*paths: str, served: int = 2) -> Process:
    """Returns a process that served requests, and was killed when others had begun."""
    sample = SampleProcess()
    (handler,) = sample.built("boot", ("handler", "WSGIHandler"))
    for _ in range(served):
        with sample.request("/menu/") as now:
            now.uses(handler)
    for path in paths:
        with sample.request(path, thread=4, thread_name="") as now:
            pass
        request = sample.facts[-1]
        assert isinstance(request, RecordedRequests)
        sample.facts[-1] = replace(request, status=None, closed=request.begun, ending="cut off")
    return sample.process()


def test_a_request_that_was_cut_off_does_not_count_as_served() -> None:
    """It is not known whether it was answered."""
    process = killed("/a/", "/b/")
    assert process.served == 2
    assert [request.number for request in process.requests] == [1, 2, 3, 4]
    assert [request.cut_off for request in process.requests] == [False, False, True, True]
    (handler,) = process.lifetimes
    assert (handler.requests, handler.threads) == (2, 1)


@pytest.mark.parametrize("width", WIDTHS)
def test_its_timeline_is_its_heading_and_a_sentence(width: int) -> None:
    """Two lines at any width: without stages, duration and status."""
    process = killed("/menu/?page=…")
    text = plain(Timeline(process, process.requests[2]), width)
    assert widest(text) <= width
    lines = text.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(" GET /menu/")
    assert "  cut off" in lines[0]
    assert "µs" not in text
    assert lines[1].strip().startswith("cut off: the process was gone")


def test_the_overview_counts_them() -> None:
    """Apart from those that were served."""
    assert "2 requests served · 1 request cut off by its end" in plain(Overview(killed("/a/")))
    assert "3 requests cut off by its end" in plain(Overview(killed("/a/", "/b/", "/c/")))
    assert "cut off" not in plain(Overview(killed()))


def test_the_other_pictures_can_be_drawn_with_them() -> None:
    """Also if there is no other request."""
    for process in (killed("/a/"), killed("/a/", served=0)):
        for picture in (Lifelines, Ledger, FirstRequest, Overview):
            assert plain(picture(process))
    assert row(plain(FirstRequest(killed("/a/", served=0))), "It was cut off.")
    assert "/menu/" in plain(FirstRequest(killed("/a/", served=1)))
    assert "/a/" not in plain(FirstRequest(killed("/a/", served=1)))
