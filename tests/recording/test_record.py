"""`record()`: what happens inside the block, whoever runs the tracer, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cafe.models import Basket
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path

from tracer import Reading, Recording, RecordingError, record, runtime
from tracer.conf import Config
from tracer.journal.reader import processes
from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recording.handlers import environ

pytestmark = pytest.mark.django_db(databases=["default", "archive"])
MEETING: list[threading.Barrier] = []


def cached(request: HttpRequest) -> HttpResponse:
    """Asks the cache."""
    return HttpResponse(str(cache.get("menu-of-the-day")))


def basket(request: HttpRequest) -> HttpResponse:
    """Builds a basket, which goes with it."""
    return HttpResponse(str(len(Basket().lines)))


def knot(request: HttpRequest) -> HttpResponse:
    """Ties its request to itself, so that only the collector can free it."""
    request.knot = request  # type: ignore[attr-defined]
    return HttpResponse("tied")


def meet(request: HttpRequest) -> HttpResponse:
    """Waits for another request to be here, too."""
    MEETING[0].wait(timeout=120)
    return HttpResponse("met")


def posted(request: HttpRequest) -> HttpResponse:
    """Says what came."""
    return HttpResponse(f"{request.method} {request.headers.get('X-Guest')} {request.POST.dict()}")


urlpatterns = [
    path("cached/", cached),
    path("basket-of-its-own/", basket),
    path("knot/", knot),
    path("meet/", meet),
    path("posted/", posted),
    path("", include("cafe_site.urls")),
]


@pytest.fixture(autouse=True)
def _site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    faults: list[str] = []
    monkeypatch.setattr(Recorder, "fault", lambda _, where, exc: faults.append(f"{where}: {exc!r}"))
    yield
    MEETING.clear()
    assert faults == []


def paths(recording: Recording) -> list[str]:
    """What was asked for."""
    return [request.path for request in recording.requests]


def test_a_request_is_served_and_read() -> None:
    """The answer is a client's, the recording is the tracer's."""
    with record() as recording:
        answer = recording.get("/hello/?page=2")
        assert (answer.status, answer.reason) == (200, "OK")
        assert answer.text
        (request,) = recording.requests
        assert (request.number, request.path, request.status) == (1, "/hello/?page=…", 200)
        assert recording.spans(stages.MIDDLEWARE)[0].name == "CommonMiddleware"
        assert recording.lifetime_of("CommonMiddleware").phase == "boot"
        assert recording.process.about.server == "record()"


def test_after_its_block_a_recording_is_frozen_and_readable() -> None:
    """And the tracer that it started is gone."""
    with record() as recording:
        recording.get("/hello/")
        assert runtime.running() is not None
        before = recording.process
    assert runtime.running() is None
    assert recording.ended
    assert recording.process is recording.process
    assert before.barriers == ()
    assert recording.lifetime_of("WSGIRequest").scope == "request"
    assert "GET /hello/" in str(recording.timeline(1))
    threads = threading.enumerate()
    for late in (
        recording.settle,
        recording.__enter__,
        lambda: recording.get("/hello/"),
        lambda: recording.send("/hello/", thread="Ann"),
        lambda: recording.run(threading.current_thread, thread="Ann"),
    ):
        with pytest.raises(RecordingError):
            late()
    assert threading.enumerate() == threads


def test_the_block_s_end_settles_unless_it_is_told_not_to() -> None:
    """What then waits for the collector is shown waiting."""
    gc.disable()
    try:
        with record(settle=False) as recording:
            recording.get("/knot/")
    finally:
        gc.enable()
    assert recording.lifetime_of("WSGIRequest").scope == "undecided"
    assert recording.process.barriers == ()


def test_settling_says_what_it_did() -> None:
    """The words are what a notebook shows below the cell."""
    with record() as recording:
        recording.get("/knot/")
        settled = recording.settle()
        assert settled.freed > 0
        assert settled.in_flight == 0
        assert repr(settled).startswith("The tracer ran a full collection: it freed ")
        assert recording.lifetime_of("WSGIRequest").freed == "collector"


def test_a_tracer_that_runs_is_shared_and_goes_on() -> None:
    """Only what happens inside is recorded, and counted from 1."""
    running = runtime.start(Config(enabled=True, console=False))
    try:
        Client().get("/hello/")
        with record() as recording:
            recording.get("/tea/")
            assert runtime.running() is running
        assert runtime.running() is running
        Client().get("/hello/")
        assert paths(recording) == ["/tea/"]
        assert recording.requests[0].number == 1
        assert recording.process.served == 1
        assert running.process().served == 3
    finally:
        runtime.stop()


def test_what_stood_before_is_told_as_such() -> None:
    """A handler that served before is not built again, and is known by its name."""
    with record() as outer:
        outer.get("/hello/")
        with record() as inner:
            outer.get("/hello/")
    layer = inner.lifetime_of("CommonMiddleware")
    assert (layer.phase, layer.built_in, layer.requests) == ("before", None, 1)
    assert outer.lifetime_of("CommonMiddleware").requests == 2


def test_recordings_may_be_nested_and_end_in_any_order() -> None:
    """The tracer stays until the last of them is over."""
    first, second = record(), record()
    with first:
        first.get("/hello/")
        second.__enter__()
        second.get("/tea/")
    assert runtime.running() is not None
    second.get("/lost/")
    second.__exit__(None, None, None)
    assert runtime.running() is None
    assert paths(first) == ["/hello/", "/tea/"]
    assert paths(second) == ["/tea/", "/lost/"]


def test_an_exception_leaves_nothing_running() -> None:
    """It passes through untouched, and what was recorded stays readable."""
    recording = record()

    def failing() -> None:
        with recording:
            recording.get("/hello/")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert runtime.running() is None
    assert paths(recording) == ["/hello/"]


def test_a_request_that_nobody_closed_is_told_at_the_end() -> None:
    """It was never closed."""
    with record() as recording:
        response = recording.handler(environ("/hello/"), lambda *_: None)
    assert [request.ending for request in recording.requests] == ["never closed"]
    response.close()


def test_test_clients_are_recorded() -> None:
    """Both, where they are built inside."""
    with record() as recording:
        Client().get("/hello/")
        asyncio.run(AsyncClient().get("/async/"))  # type: ignore[arg-type]
    assert paths(recording) == ["/hello/", "/async/"]
    assert {len(recording.spans(stages.MIDDLEWARE, number)) for number in (1, 2)} == {1}


def test_methods_bodies_and_headers_reach_the_view() -> None:
    """Under WSGI, and under ASGI."""
    with record() as recording:
        answer = recording.post("/posted/", {"dish": "Leek"}, x_guest="Ann")
        assert answer.text == "POST Ann {'dish': 'Leek'}"
        assert recording.ask("PUT", "/posted/", b"text").text == "PUT None {}"
        answer = asyncio.run(recording.aask("POST", "/posted/", b"dish=Leek", x_guest="Ann"))
        assert answer.text == "POST Ann {'dish': 'Leek'}"
    assert [request.method for request in recording.requests] == ["POST", "PUT", "POST"]


def test_where_an_event_loop_runs_a_request_is_served_beside_it() -> None:
    """As in a notebook's cell, where Django would refuse synchronous database work."""
    with record() as recording:

        async def cell() -> None:
            assert recording.get("/hello/").status == 200
            assert (await recording.aget("/async/")).status == 200
            assert [answer.status for answer in recording.agets("/async/", "/async/")] == [200, 200]
            assert recording.run(threading.current_thread).name == "server"

        asyncio.run(cell())
        assert recording.run(threading.current_thread) is threading.current_thread()
    sync, own, beside, again = recording.requests
    assert (sync.thread_name, own.thread_name) == ("server", "MainThread")
    assert beside.thread_name == again.thread_name == "event loop"
    assert threading.active_count() <= 2


def test_a_named_thread_stays_for_its_next_request() -> None:
    """Until it is ended; then another takes its name."""
    with record() as recording:
        for guest in ("Ann", "Ben", "Ann"):
            recording.get("/hello/", thread=guest)
        recording.end_thread("Ann")
        recording.get("/hello/", thread="Ann")
        with pytest.raises(KeyError):
            recording.end_thread("Nobody")
    requests = recording.requests
    assert [request.thread_name for request in requests] == ["Ann", "Ben", "Ann", "Ann"]
    assert requests[0].thread == requests[2].thread
    assert len({request.thread for request in requests}) == 3
    assert not [one for one in threading.enumerate() if one.name in ("Ann", "Ben")]


def test_two_requests_can_overlap() -> None:
    """Each waits inside its view for the other."""
    MEETING.append(threading.Barrier(2))
    with record() as recording:
        both = [recording.send("/meet/", thread=guest) for guest in ("Ann", "Ben")]
        assert [answer.result(timeout=120).text for answer in both] == ["met", "met"]
    one, other = recording.requests
    assert max(one.begun, other.begun) < min(one.closed, other.closed)


@pytest.mark.parametrize("named", [Basket, "cafe.models.Basket"], ids=["class", "path"])
@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_classes_of_one_s_own_can_be_watched(named: Any, shared: bool) -> None:
    """By themselves or by their names, and nothing of it stays."""
    before = vars(Basket).get("__init__")
    if shared:
        runtime.start(Config(enabled=True, console=False))
    with record(watch=[named]) as recording:
        recording.get("/basket-of-its-own/")
    runtime.stop()
    assert recording.lifetime_of(Basket).built_in == 1
    assert recording.lifetimes_of("Basket") == recording.lifetimes_of("cafe.models.Basket")
    assert vars(Basket).get("__init__") is before


@pytest.mark.parametrize("wrong", ["Basket", 3, None], ids=str)
def test_what_cannot_be_watched_is_refused_at_once(wrong: Any) -> None:
    """The message says what is taken."""
    for given in (wrong, [wrong]):
        with pytest.raises(RecordingError, match=f"dotted paths of classes, not {wrong!r}"):
            record(watch=given)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("cafe.models.Bascet", "cafe.models has no Bascet"),
        ("cafe.no_such.Basket", "there is no module cafe.no_such"),
        ("cafe.models.models", "models is not a class"),
    ],
)
def test_a_class_that_is_not_there_is_told_where_the_block_begins(named: str, why: str) -> None:
    """Or nobody would learn why nothing of it was seen."""
    with pytest.raises(RecordingError, match=f"names {named}, but {why}"), record(watch=[named]):
        pass
    assert runtime.running() is None


@pytest.mark.parametrize("wrong", ["5", 2.5, -1])
def test_what_is_no_number_of_requests_is_refused_at_once(wrong: Any) -> None:
    """The message says what is taken."""
    with pytest.raises(RecordingError, match=f"number of requests, or None for all, not {wrong!r}"):
        record(keep=wrong)


def test_a_recording_shows_what_it_asks_for_and_the_shared_tracer_does_not() -> None:
    """What one asks to see is not written for the other."""
    runtime.start(Config(enabled=True, console=False))
    with record() as masked, record(query_values=True, cache_keys=True) as shown:
        shown.get("/cached/?card=1234")
    running = runtime.running()
    assert running is not None
    process = running.process()
    runtime.stop()
    assert paths(shown) == ["/cached/?card=1234"]
    assert shown.spans(stages.CACHE)[0].name == "get menu-of-the-day"
    for reading in (masked, Reading(process)):
        assert reading.request().path == "/cached/?card=…"
        assert reading.spans(stages.CACHE)[0].name == "get"


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_a_recording_can_be_written_too(tmp_path: Path, shared: bool) -> None:
    """As a journal that `tracer show` reads."""
    if shared:
        runtime.start(Config(enabled=True, console=False))
        Client().get("/hello/")
    with record(journal=tmp_path) as recording:
        recording.get("/hello/")
        recording.get("/tea/")
    runtime.stop()
    (written,) = processes(tmp_path)
    assert [request.path for request in written.requests] == ["/hello/", "/tea/"]
    assert [request.number for request in written.requests] == [1, 2]
    assert written.ended
    assert written.barriers


def test_what_is_remembered_is_bounded() -> None:
    """Older requests are only counted, but for the first two."""
    with record(keep=5) as recording:
        for _ in range(40):
            recording.get("/hello/")
    assert recording.process.served == 40
    assert [request.number for request in recording.requests] == [1, 2, 36, 37, 38, 39, 40]
    # By requests: what was built counts those, too, that other tests have left behind.
    assert [row.requests for row in recording.process.ledger if row.name == "WSGIRequest"] == [40]


def test_an_unknown_name_is_answered_with_those_that_are_close() -> None:
    """And several lives are never taken for one."""
    with record() as recording:
        with pytest.raises(RecordingError, match="There was no request yet"):
            recording.lifetime_of("Whatever")
        recording.get("/hello/")
        recording.get("/hello/")
    with pytest.raises(RecordingError, match="Did you mean 'WSGIRequest'"):
        recording.lifetime_of("WsgiRequest")
    with pytest.raises(RecordingError, match=r"There are 2 of 'WSGIRequest'.*lifetimes_of"):
        recording.lifetime_of("WSGIRequest")
    with pytest.raises(RecordingError, match="record\\(watch="):
        recording.lifetime_of(Basket)
    with pytest.raises(RecordingError, match="There is no request 7 here: they are 1 to 2"):
        recording.timeline(7)


def test_what_names_nothing_is_answered_with_what_would() -> None:
    """Not with the error of whatever stumbles over it first."""
    with record() as recording:
        recording.get("/hello/")
    wrong: Any
    for wrong in ("one", None, 1.5):
        with pytest.raises(RecordingError, match=f"by its number, such as 1, not by {wrong!r}"):
            recording.timeline(wrong)
    for wrong in (3, None):
        with pytest.raises(RecordingError, match=f"by a class or a name, not by {wrong}"):
            recording.lifetime_of(wrong)
    for wrong in (0, "all"):
        with pytest.raises(RecordingError, match=f"how many requests to show, not {wrong!r}"):
            recording.lifelines(wrong)


def test_a_base_class_names_its_subclasses() -> None:
    """As isinstance would."""
    from django.http.response import HttpResponseBase

    with record() as recording:
        recording.get("/hello/")
    assert [life.name for life in recording.lifetimes_of(HttpResponseBase)] == ["HttpResponse"]


def test_every_description_is_short() -> None:
    """A notebook shows them below a cell."""
    with record() as recording:
        assert repr(recording).startswith("<Recording, running: 0 requests")
        answer = recording.get("/hello/")
    assert repr(record()) == "<Recording, not begun>"
    for each in (recording, answer, recording.process, *recording.requests, *recording.lifetimes):
        assert len(repr(each)) < 200
        assert "\n" not in repr(each)
