"""The console says later what became of objects that were undecided when it drew."""

from __future__ import annotations

import gc
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.support.client import environ, serve
from tracer import runtime
from tracer.conf import Config
from tracer.runtime.console import AT_ONCE

HOLDER = f"{__name__}.HELD[…]"


HELD: list[HttpRequest] = []


def keep(request: HttpRequest) -> HttpResponse:
    """Leaves its request in a list."""
    HELD.append(request)
    return HttpResponse("kept")


def knot(request: HttpRequest) -> HttpResponse:
    """Ties its request to itself, so that only the collector can free it."""
    request.knot = request  # type: ignore[attr-defined]
    return HttpResponse("tied")


urlpatterns = [path("keep/", keep), path("knot/", knot)]


@pytest.fixture
def stream() -> io.StringIO:
    """Where the console draws."""
    return io.StringIO()


@pytest.fixture
def tracer(db: None, settings: Any, stream: io.StringIO) -> Iterator[runtime.Tracer]:
    """A process that draws what it serves when a test says so; the collector does not come."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    gc.collect()
    gc.disable()
    made = runtime.start(Config(enabled=True, console=True), stream)
    made.recorder.on_finish = lambda: None
    yield made
    gc.enable()
    runtime.stop(settle=False)
    HELD.clear()


class Site:
    """Serves pages, and returns what the console drew."""

    def __init__(self, tracer: runtime.Tracer, stream: io.StringIO) -> None:
        self.tracer, self.stream = tracer, stream
        self.handler = WSGIHandler()

    def ask(self, page: str, times: int = 1) -> list[str]:
        """Serves requests for a page."""
        for _ in range(times):
            serve(self.handler, environ(page))
        return self.drawn()

    def walk(self) -> list[str]:
        """A walk comes by."""
        self.tracer.walker.run()
        return self.drawn()

    def drawn(self) -> list[str]:
        """Returns the lines that were drawn since the last look."""
        self.tracer.handle_recorded()
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.fixture
def site(tracer: runtime.Tracer, stream: io.StringIO) -> Site:
    """This module's pages."""
    return Site(tracer, stream)


def test_a_leak_has_a_following_line_as_soon_as_a_walk_has_decided(site: Site) -> None:
    """One for each request, which names what holds its objects; it comes once."""
    timelines = site.ask("/keep/", 4)
    assert any("undecided: " in line and "0 kept" in line for line in timelines)
    lines = site.walk()
    leaky = [line for line in lines if "KEPT" in line]
    assert [line.split(" · ")[0] for line in leaky] == [
        f"#{number} GET /keep/" for number in (1, 2, 3, 4)
    ]
    assert all(f"KEPT by {HOLDER}" in line for line in leaky)
    assert site.walk() == []


def test_two_requests_may_have_filled_a_memo_and_two_more_show_a_leak(site: Site) -> None:
    """What was said of the first two stands; the line of the others names the holder."""
    site.ask("/keep/", 2)
    (line,) = site.walk()
    assert re.fullmatch(r"#1, #2 · \d+ stay for later requests", line)
    site.ask("/keep/", 2)
    lines = site.walk()
    assert [line.split(" · ")[0] for line in lines] == ["#3 GET /keep/", "#4 GET /keep/"]
    assert all(f"KEPT by {HOLDER}" in line for line in lines)


def test_what_waited_for_the_collector_is_said_when_it_has_come(site: Site) -> None:
    """Of all such requests together, in one line."""
    site.ask("/knot/", 3)
    assert site.walk() == []
    site.tracer.installation.collections.collect()
    (line,) = site.drawn()
    assert line.startswith("#1 to #3 · 6 freed late"), "each request and what resolving found"
    assert site.drawn() == []


def test_without_news_nothing_is_drawn(site: Site) -> None:
    """Undecided objects stay undecided until somebody looks."""
    site.ask("/keep/", 3)
    assert site.drawn() == []


def skips(lines: list[str]) -> list[str]:
    """Returns the lines that say what was not drawn."""
    return [line for line in lines if "not drawn" in line]


def test_timelines_that_are_not_drawn_are_counted_before_the_next_one(site: Site) -> None:
    """Of very many at once the newest are drawn."""
    lines = site.ask("/knot/", AT_ONCE + 8)
    assert skips(lines) == ["… 8 timelines were not drawn, to hold up no request"]
    drawn = [line for line in lines if line.startswith("GET /knot/")]
    assert len(drawn) == AT_ONCE
    assert lines.index(skips(lines)[0]) < lines.index(drawn[0])
    assert skips(site.ask("/knot/", AT_ONCE + 1)) == [
        "… 1 timeline was not drawn, to hold up no request"
    ]
    assert skips(site.ask("/knot/")) == []


def test_those_that_no_timeline_follows_are_counted_at_the_end(
    site: Site, stream: io.StringIO
) -> None:
    """A process may end while its console is behind."""
    site.ask("/knot/")
    for _ in range(3):
        serve(site.handler, environ("/knot/"))
    site.tracer.handle_recorded(draw=False)
    assert site.drawn() == []
    runtime.stop(settle=False)
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    assert skips(lines) == ["… 3 timelines were not drawn, to hold up no request"]
