"""What a request is said to have paid for being watched."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, path, reverse

from tests.driving import environ, serve
from tracer import live
from tracer.conf import Config
from tracer.model import stages
from tracer.overhead import Costs, Prices, measure
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current

LITTLE, MUCH = 8_000, 256_000
COSTS = Costs(Prices(100, 200, 300), Prices(200, 400, 600), LITTLE, MUCH)
"""Made up: what is five times as many doublings away costs twice as much."""
MS = 1_000_000


def request(took: int, stages_: int = 9, births: int = 0, kind: str = "queryset") -> Trace:
    """A request that took so many nanoseconds, with so many stages and births."""
    now = 1
    recorder = Recorder(lambda: now)
    trace = recorder.begin(("GET", "", "/", ""))
    for _ in range(stages_):
        trace.add((1, 2, (stages.VIEW, None, "", "", "")))
    for number in range(births):
        trace.bear((None, number, kind, object, None))
    now += took
    recorder.finish(trace)
    return trace


def test_each_stage_and_each_birth_costs_the_same_as_the_one_before() -> None:
    """Linear in what happened."""
    close = 10 * LITTLE
    bare = COSTS.of(request(close))
    one, two = (COSTS.of(request(close, births=count)) for count in (1, 2))
    assert one - bare == two - one > 0
    ten, nineteen = (COSTS.of(request((count + 1) * LITTLE, count)) for count in (10, 19))
    assert nineteen - ten == pytest.approx(ten - COSTS.of(request(2 * LITTLE, 1)), abs=2)


def test_a_request_that_does_much_between_its_stages_pays_more_for_them() -> None:
    """The caches have forgotten the tracer meanwhile."""
    close, apart = (COSTS.of(request(10 * distance)) for distance in (LITTLE, MUCH))
    assert apart == pytest.approx(2 * close, abs=1)


def test_each_doubling_of_what_happens_in_between_adds_as_much_as_the_one_before() -> None:
    """Prices are told from two, by the logarithm of the distance."""
    stage = [COSTS.at(LITTLE * 2**doublings).stage for doublings in range(6)]
    steps = [later - earlier for earlier, later in pairwise(stage)]
    assert steps == pytest.approx([steps[0]] * 5)
    assert steps[0] > 0


def test_a_request_that_waits_for_ten_seconds_is_not_said_to_have_paid_for_that() -> None:
    """From a distance on, prices rise no more."""
    second, ten = (COSTS.of(request(seconds * 1000 * MS)) for seconds in (1, 10))
    assert second == ten


def test_a_request_of_stages_closer_than_any_that_were_measured_pays_the_lowest_price() -> None:
    """Below, nothing is known."""
    assert COSTS.at(1) == COSTS.at(LITTLE)


def test_a_connection_opened_and_closed_costs_more_than_another_object() -> None:
    """It is asked whose it is, and whether it has really ended."""
    close = 10 * LITTLE
    connection, queryset = (
        COSTS.of(request(close, births=1, kind=kind)) for kind in ("connection", "queryset")
    )
    assert connection > queryset


def index(_request: HttpRequest, links: int) -> HttpResponse:
    """Links to so many pages."""
    return HttpResponse("".join(reverse("page", args=(number,)) for number in range(links)))


def both(request: HttpRequest, links: int) -> HttpResponse:
    """The same on a second thread, and then once more on the first."""
    thread = threading.Thread(target=index, args=(request, links))
    thread.start()
    thread.join()
    return index(request, links)


@pytest.fixture
def tracer(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[live.Live]:
    """A process that records, of a site that is an index of itself."""
    urls = ModuleType("urls_of_an_index")
    pages = [path("<int:links>/", index, name="page"), path("both/<int:links>/", both)]
    urls.urlpatterns = pages  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = urls.__name__
    clear_url_caches()
    yield live.start(Config(enabled=True, console=False))
    live.stop(settle=False)
    clear_url_caches()


def test_a_page_of_links_pays_for_each_of_them(tracer: live.Live) -> None:
    """The resolver that reverse() asks is told once, and counted however often it is found."""
    handler = WSGIHandler()
    for links in (0, 1, 40):
        serve(handler, environ(f"/{links}/"))
    none, one, many = tracer.recorder.finished
    assert [none.asks, one.asks, many.asks] == [0, 0, 39]
    assert len(many.seen) == len(one.seen) == len(none.seen) + 1
    one.closed, many.closed = one.begun + MS, many.begun + MS
    assert COSTS.of(many) > COSTS.of(one)


def test_the_resolver_of_links_is_told_once_for_each_thread_that_makes_them(
    tracer: live.Live,
) -> None:
    """However many links a thread makes."""
    handler = WSGIHandler()
    for links in (0, 1, 40):
        serve(handler, environ(f"/both/{links}/"))
    none, one, many = tracer.recorder.finished
    assert [none.asks, one.asks, many.asks] == [0, 0, 78]
    assert len(many.seen) == len(one.seen) == len(none.seen) + 2
    resolver = many.seen[-1][0]
    threads = [mark[1] for mark in many.seen if type(mark) is tuple and mark[0] == resolver]
    assert len(set(threads)) == 2


def test_prices_are_measured_on_this_machine() -> None:
    """Each is there, and what has been forgotten meanwhile costs more; nobody's request is used."""
    costs = measure()
    assert all(price > 0 for price in costs.near)
    assert costs.much > 10 * costs.little
    assert costs.far.stage > costs.near.stage
    assert current.get() is None


def test_measuring_leaves_the_request_in_flight_alone() -> None:
    """It may be one that does its own thread's work: see `surroundings.stays_alone`."""
    trace = Recorder().begin(("GET", "", "/", ""))
    token = current.set(trace)
    try:
        measure()
        assert current.get() is trace
    finally:
        current.reset(token)
    assert not trace.events
    assert not trace.births
