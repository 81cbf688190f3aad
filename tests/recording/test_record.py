"""`record()` records what happens inside its block and nothing else, with or without a tracer."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
from cafe.models import Basket
from django.test import Client

from tests.recording.record_site import paths
from tracer import RecordingError, record, runtime
from tracer.conf import Config
from tracer.model import stages
from tracer.recording.handlers import environ

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("pages"),
]


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


def test_each_request_says_how_much_of_its_time_recording_took() -> None:
    """More where more was recorded."""
    with record() as recording:
        recording.get("/hello/")
        recording.get("/")
        first, second = recording.requests
        assert 0 < first.watching < first.duration
        assert (first.watching < second.watching) == (len(first.spans) < len(second.spans))
        assert "the tracer's own share" in str(recording.timeline(1))


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
        gc.disable()
        try:
            recording.get("/knot/")
            settled = recording.settle()
        finally:
            gc.enable()
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


def test_what_stood_before_is_shown_as_such() -> None:
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


def test_a_request_that_nobody_closed_is_reported_at_the_end() -> None:
    """It was never closed."""
    with record() as recording:
        response = recording.handler(environ("/hello/"), lambda *_: None)
    assert [request.ending for request in recording.requests] == ["never closed"]
    response.close()


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
    far = recording.lifetimes[0]._replace(held_by="cafe.views." + 100 * "next.")
    assert len(repr(far)) < 200
    assert repr(far).endswith("…>")
