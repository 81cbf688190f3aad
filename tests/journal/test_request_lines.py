"""The journal's short way: what was recorded becomes a line without the detour over facts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.journal.recorded import STAGES, Thing, made
from tests.support.client import environ, serve
from tracer import record, runtime
from tracer.conf import Config
from tracer.journal.decode import decode
from tracer.journal.encode import encode
from tracer.journal.reader import read
from tracer.journal.request_lines import Lines
from tracer.model import Deaths, Died, Request
from tracer.model.assemble import Assembly, whole
from tracer.recorder.recorder import Recorder


@pytest.mark.parametrize("count", range(len(STAGES) + 1))
def test_a_line_is_that_of_the_request_to_the_byte(
    recorder: Recorder, assembly: Assembly, count: int
) -> None:
    """Nesting, rows folded into their statement, quotes, surrogates, exceptions."""
    trace = made(recorder, *STAGES[:count], modules=["json", "no.such.module"], status=404)
    trace.seen += [11, 12, 11]
    line = Lines(assembly)._request(trace, [12, 13])
    assert line == encode(assembly.request(trace, [12, 13]))
    told = decode(line)
    assert isinstance(told, Request)
    assert {(token, trace.thread) for token in (11, 12, 13)} <= {*told.seen}
    assert len({*told.seen}) == len(told.seen)


def test_stages_that_do_not_end_one_after_the_other_are_nested_alike(
    recorder: Recorder, assembly: Assembly
) -> None:
    """Whatever the order in which they were recorded, and on whichever thread."""
    inner, outer = STAGES[:2]
    trace = made(recorder, outer, inner)
    trace.other_threads = [(99, 32, 38, STAGES[3][2]), (99, 33, 36, STAGES[0][2])]
    trace.single = False
    assert whole(trace)[2][2] == 99
    assert Lines(assembly)._request(trace, ()) == encode(assembly.request(trace))


def test_births_are_told_whoever_watches_and_wherever_they_happen(
    recorder: Recorder, assembly: Assembly
) -> None:
    """With a label or without, on another thread, with an owner, and without an end to be seen."""
    thing, lines = Thing(), Lines(assembly)
    token, mortal = recorder.weakrefs.watch(thing)
    ref = recorder.weakrefs.refs[token]
    births = [
        ref, 71, "thing", Thing, None,
        ref, 72, "thing", Thing, "a name",
        ref, 73, "lazy", Thing, "make.<locals>.lazily",
        ref, 74, "view", Thing, None,
        ref, 75, "thing", Thing, (None, 99, None, mortal),
        None, 77, "connection", Thing, ("raw", 99, token, False),
    ]  # fmt: skip
    trace = made(recorder, births=births)
    for _ in range(2):
        assert lines._request(trace, ()) == encode(assembly.request(trace))


def test_what_an_import_built_is_told_of_the_innermost_import_on_its_own_thread(
    recorder: Recorder, assembly: Assembly
) -> None:
    """Meanwhile, another thread has built one, which is nobody's."""
    births: list[Any] = []
    for token, details in ((71, None), (72, None), (73, (None, 99, None, False)), (74, "last")):
        births += [None, token, "thing", Thing, details]
    trace = made(recorder, births=births)
    home = trace.thread
    trace.by_import = [("shop.inner", home, 5, 10), ("shop.outer", home, 0, 15)]
    request = assembly.request(trace)
    assert request.by_import == (("shop.inner", (72,)), ("shop.outer", (71,)))
    for _ in range(2):
        assert Lines(assembly).request(trace) == encode(request)
    trace.by_import = [("shop.nothing", home, 10, 15)]
    assert assembly.request(trace).by_import == ()
    assert b"by_import" not in Lines(assembly).request(trace)


@pytest.mark.parametrize("status", [None, HTTPStatus.OK, True])
def test_a_status_may_be_any_kind_of_number(
    recorder: Recorder, assembly: Assembly, status: Any
) -> None:
    """As in `HttpResponse(status=HTTPStatus.OK)`."""
    trace = made(recorder, status=status)
    assert Lines(assembly).request(trace) == encode(assembly.request(trace))


def test_what_is_of_an_unusual_type_takes_the_long_way(
    recorder: Recorder, assembly: Assembly
) -> None:
    """A stage's name that is no text: as much of it comes through as the long way has."""
    trace = made(recorder, (20, 30, ("middleware", 5, 4711, "", "")))
    with pytest.raises(TypeError):
        Lines(assembly)._request(trace, ())
    assert Lines(assembly).request(trace) == encode(assembly.request(trace))


def test_ends_are_told_as_a_batch_of_deaths() -> None:
    """The first gives the time to count from, and the thread that goes without saying."""
    ends = [(4, 1000, "closed", 7), (5, 990, "collector", 0), (6, 1010, "reference", 7)]
    line = Lines(None).deaths(ends)  # type: ignore[arg-type]
    assert line == encode(Deaths(tuple(Died(*end) for end in ends)))


def test_a_response_that_is_not_watched_is_not_taken_for_one_that_is(
    recorder: Recorder, assembly: Assembly
) -> None:
    """One kept in a module, that a view returns after it has asked for another page."""
    events = [
        (at, at, ("response", token, "HttpResponse", 200, "")) for at, token in ((1, 0), (2, None))
    ]
    trace = made(recorder, *events, responded=7)
    assert [span.object for span in assembly.request(trace).spans] == [7, None]
    assert Lines(assembly)._request(trace, ()) == encode(assembly.request(trace))


@pytest.fixture
def site(settings: Any) -> None:
    """A few plain pages."""
    settings.ROOT_URLCONF = "tests.promises.site"


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_a_journal_tells_the_same_as_the_process_that_wrote_it(tmp_path: Any) -> None:
    """A process that only keeps a journal rests its requests; the reader has every one of them."""
    running = runtime.start(Config(enabled=True, console=False, journal=tmp_path / "traces"))
    try:
        handler = WSGIHandler()
        for _ in range(100):
            serve(handler, environ("/plain/"))
            running.handle_recorded()
        running.settle()
        mine = running.process()
    finally:
        runtime.stop(settle=False)
    (story,) = read(tmp_path / "traces").files
    told = story.process
    assert [request.number for request in told.requests] == list(range(1, 101))
    rows = {(row.kind, row.cls): row for row in mine.ledger}
    for row in told.ledger:
        known = rows[row.kind, row.cls]
        assert (row.built, row.requests, row.scopes) == (known.built, known.requests, known.scopes)
        assert sum(row.freed.values()) == sum(known.freed.values())


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_a_recording_hears_of_requests_that_rested_when_it_began(tmp_path: Any) -> None:
    """A process that keeps a journal is shared: what rests there comes before the recording."""
    runtime.start(Config(enabled=True, console=False, journal=tmp_path / "traces"))
    try:
        handler = WSGIHandler()
        for _ in range(5):
            serve(handler, environ("/plain/"))
        with record() as recording:
            recording.get("/plain/")
        assert [request.number for request in recording.requests] == [1]
    finally:
        runtime.stop(settle=False)
    (story,) = read(tmp_path / "traces").files
    assert [request.number for request in story.process.requests] == list(range(1, 7))
