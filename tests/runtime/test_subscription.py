"""A subscription that is opened in the middle of a process's life."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.support.client import environ, serve
from tracer import runtime
from tracer.conf import Config
from tracer.model import Lifetime
from tracer.runtime.subscription import Subscription

SHELF: list[HttpRequest] = []
LAST: dict[str, HttpRequest] = {}


def keep(request: HttpRequest) -> HttpResponse:
    """Leaves its request in a list."""
    SHELF.append(request)
    return HttpResponse("kept")


def replace(request: HttpRequest) -> HttpResponse:
    """Puts its request into the place of the one before."""
    LAST["request"] = request
    return HttpResponse("replaced")


urlpatterns = [path("keep/", keep), path("replace/", replace)]


class Request(WSGIRequest):
    """Tells the requests here from those that an earlier test left alive."""


class Running:
    """A tracer that serves, with recordings that come and go."""

    def __init__(self) -> None:
        self.tracer = runtime.start(Config(enabled=True, console=False))
        self.tracer.recorder.on_finish = lambda: None
        self.handler = WSGIHandler()
        self.handler.request_class = Request

    def ask(self, page: str, times: int = 1) -> None:
        """Serves requests."""
        for _ in range(times):
            serve(self.handler, environ(page))

    def subscribe(self) -> Subscription:
        """Opens a subscription."""
        made = Subscription(self.tracer)
        made.open()
        return made

    def requests_of(self, reader: Subscription | None = None) -> list[Lifetime]:
        """Returns the lives of all requests, as a subscription or the tracer itself has them."""
        self.tracer.handle_recorded()
        process = reader.snapshot() if reader else self.tracer.process()
        return [life for life in process.lifetimes if life.cls == f"{__name__}.Request"]


@pytest.fixture
def running(db: None, settings: Any) -> Iterator[Running]:
    """A tracer without console and journal, that serves this module's pages."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    gc.collect()
    gc.disable()
    yield Running()
    gc.enable()
    runtime.stop(settle=False)
    SHELF.clear()
    LAST.clear()


def test_what_a_walk_had_found_before_is_known_at_once(running: Running) -> None:
    """No walk says it again: the next ones report what is different."""
    running.ask("/keep/")
    running.tracer.walker.run()
    reader = running.subscribe()
    (life,) = running.requests_of(reader)
    assert (life.phase, life.held_by, life.is_held) == ("before", f"{__name__}.SHELF[0]", True)
    assert life.scope == "process"
    running.tracer.walker.run()
    (life,) = running.requests_of(reader)
    assert (life.held_by, life.is_held) == (f"{__name__}.SHELF[0]", True)


def test_what_is_held_no_more_is_lost_here_too(running: Running) -> None:
    """It holds itself, and waits for the collector."""
    running.ask("/keep/")
    running.tracer.walker.run()
    reader = running.subscribe()
    SHELF[0].itself = SHELF[0]  # type: ignore[attr-defined]
    SHELF.clear()
    running.tracer.walker.run()
    (life,) = running.requests_of(reader)
    assert not life.is_held


@pytest.mark.parametrize("walks", [0, 1, 3])
def test_whether_anybody_has_looked_for_holders_is_known(running: Running, walks: int) -> None:
    """A picture says so of what it cannot decide."""
    running.ask("/keep/")
    for _ in range(walks):
        running.tracer.walker.run()
    reader = running.subscribe()
    assert bool(reader.snapshot().walks) == bool(walks)
    running.tracer.walker.run()
    assert reader.snapshot().walks


def test_what_earlier_requests_left_makes_no_leak_of_one_here(running: Running) -> None:
    """Each counts what it has seen itself: three for the tracer, one for the recording."""
    running.ask("/keep/", 2)
    reader = running.subscribe()
    running.ask("/keep/")
    running.tracer.walker.run()
    *_, last = running.requests_of()
    assert (last.built_in, last.scope) == (3, "kept")
    *_, mine = running.requests_of(reader)
    assert (mine.built_in, mine.scope) == (1, "process")
    running.ask("/keep/", 2)
    running.tracer.walker.run()
    scopes = [(life.phase, life.scope) for life in running.requests_of(reader)]
    assert scopes == [("before", "process")] * 2 + [("request", "kept")] * 3


def test_what_requests_here_replace_is_kept_one_at_a_time(running: Running) -> None:
    """The first of them replaced what was there before."""
    running.ask("/replace/")
    reader = running.subscribe()
    running.ask("/replace/", 4)
    running.tracer.walker.run()
    before, *lives = running.requests_of(reader)
    assert before.phase == "before"
    assert [life.scope for life in lives] == ["kept"] * 4
    assert all(life.one_at_a_time for life in lives)
    assert {life.spot for life in lives} == {f"{__name__}.LAST[*]"}


def test_a_request_in_flight_at_the_opening_came_before(running: Running) -> None:
    """What it builds is not counted as left by a request here."""
    recorder = running.tracer.recorder
    running.ask("/keep/")
    trace = recorder.begin(("GET", "", "/long/", ""))
    reader = running.subscribe()
    recorder.finish(trace)
    running.ask("/keep/")
    running.tracer.handle_recorded()
    assert [request.number for request in reader.snapshot().requests] == [1]


def test_a_closed_subscription_takes_no_more(running: Running) -> None:
    """What was taken stays."""
    reader = running.subscribe()
    running.ask("/keep/", 3)
    running.tracer.gather()
    reader.close()
    running.tracer.walker.run()
    assert [life.scope for life in running.requests_of(reader)] == ["undecided"] * 3
