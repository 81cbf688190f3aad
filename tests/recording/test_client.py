"""A recording's client: requests as a server makes them, on the threads that a test chooses."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.test import AsyncClient, Client

from tests.recording.record_site import MEETING, paths
from tracer import record
from tracer.model import stages

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("pages"),
]


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
