"""Memory is bounded, whatever the number of requests; what grows is what the project keeps."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from tests.support.client import Recording
from tracer.journal.reader import processes
from tracer.runtime.backlog import MOST_UNCLAIMED

KEPT: list[Any] = []


def short(request: HttpRequest) -> HttpResponse:
    """A short text."""
    return HttpResponse("hello")


def leak(request: HttpRequest) -> HttpResponse:
    """Keeps its request."""
    KEPT.append(request)
    return HttpResponse("leak")


urlpatterns = [path("short/", short), path("leak/", leak), path("", include("cafe_site.urls"))]


@pytest.fixture(autouse=True)
def _site(db: None) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield
    KEPT.clear()


def serve(recording: Recording, path: str, times: int) -> None:
    """So many requests, with a look at them now and then as the background thread has it."""
    for number in range(times):
        recording.get(path)
        if number % 200 == 199:
            recording.tracer.handle_recorded()


def sizes(recording: Recording) -> dict[str, int]:
    """How much the tracer remembers, in every container that it has."""
    recorder, backlog = recording.tracer.recorder, recording.tracer.backlog
    owners = (
        recorder,
        recorder.weakrefs,
        backlog,
        backlog.waiting,
        backlog.history,
        recording.tracer.intake,
    )
    return {
        f"{type(owner).__name__}.{name}": len(value)
        for owner in owners
        for name, value in vars(owner).items()
        if hasattr(value, "__len__") and not isinstance(value, str)
    }


def assert_nothing_grew(recording: Recording, before: dict[str, int]) -> None:
    """No container has grown. Deaths that nobody claims are remembered, up to their limit."""
    for name, size in sizes(recording).items():
        most = MOST_UNCLAIMED if name == "Backlog.unclaimed" else before[name] + 400
        assert size <= most, f"{name} grew from {before[name]} to {size}"


def test_twenty_thousand_requests_leave_no_more_behind_than_two_thousand(
    record: Callable[..., Recording],
) -> None:
    """No container grows, and no byte per request is left."""
    with record() as recording:
        serve(recording, "/short/", 2_000)
        recording.settle()
        before = sizes(recording)
        gc.collect()
        tracemalloc.start()
        try:
            held = tracemalloc.get_traced_memory()[0]
            serve(recording, "/short/", 18_000)
            recording.settle()
            gc.collect()
            growth = tracemalloc.get_traced_memory()[0] - held
        finally:
            tracemalloc.stop()
        assert recording.process.served == 20_000
        assert_nothing_grew(recording, before)
        assert growth < 2_000_000, "a hundred bytes a request would be 1.8 million"


def test_a_journal_keeps_every_request_while_memory_keeps_the_newest(
    record: Callable[..., Recording], tmp_path: Path
) -> None:
    """The journal skips none, also when nobody has looked for a while."""
    with record(journal=tmp_path) as recording:
        serve(recording, "/short/", 1_000)
        recording.settle()
        before = sizes(recording)
        for _ in range(2_500):
            recording.get("/short/")
        recording.settle()
        assert len(recording.tracer.backlog.history.requests) <= 70
        assert_nothing_grew(recording, before)
    (written,) = processes(tmp_path)
    assert [request.number for request in written.requests] == list(range(1, 3_501))


def test_finished_requests_that_nobody_looks_at_are_bounded(
    record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the background thread cannot keep up, the requests themselves help out."""
    with record() as recording:
        monkeypatch.setattr(recording.tracer.worker, "_wake", lambda: None)
        most = 0
        for _ in range(5_000):
            recording.get("/short/")
            most = max(most, len(recording.tracer.recorder.finished))
        assert 1_000 < most <= 2_001
        assert recording.process.served == 5_000


def test_a_leak_costs_in_proportion_to_what_it_keeps(record: Callable[..., Recording]) -> None:
    """A kept request is remembered as long as it is kept, and forgotten with it."""
    with record() as recording:
        serve(recording, "/leak/", 500)
        recording.settle()
        watched = len(recording.tracer.recorder.weakrefs.refs)
        assert len(recording.lives("WSGIRequest")) >= 500
        serve(recording, "/leak/", 500)
        recording.settle()
        grown = len(recording.tracer.recorder.weakrefs.refs) - watched
        assert 500 <= grown <= 500 * 8
        KEPT.clear()
        recording.settle()
        serve(recording, "/short/", 400)
        recording.settle()
        assert len(recording.tracer.recorder.weakrefs.refs) < watched
        assert len(recording.lives("WSGIRequest")) < 200
