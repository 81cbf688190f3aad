"""The journal's short way: what was recorded becomes a line without the detour over facts."""

from __future__ import annotations

import gc
import itertools
import random
import weakref
from http import HTTPStatus
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.driving import environ, serve
from tracer import live, record
from tracer.conf import Config
from tracer.journal.format import decode, encode
from tracer.journal.reader import read
from tracer.lines import _MOST, Lines
from tracer.model import Deaths, Died, Request
from tracer.recorder.assembly import Assembly, whole
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace
from tracer.stencil import Stencil


class Thing:
    """Something that is watched."""


@pytest.fixture
def recorder() -> Recorder:
    """A recorder on a clock that goes in steps of ten."""
    ticks = iter(range(0, 10**9, 10))
    return Recorder(clock=lambda: next(ticks))


@pytest.fixture
def assembly(recorder: Recorder) -> Assembly:
    """Makes requests of what was recorded."""
    return Assembly(True, lambda token: f"thread {token}", lambda _trace: 7, recorder.epoch)


def made(recorder: Recorder, *events: Any, **changes: Any) -> Trace:
    """One finished request with these stages."""
    trace = recorder.begin(("GET", "", "/café/", "q=\udcff"))
    for event in events:
        trace.add(event)
    for name, value in changes.items():
        setattr(trace, name, value)
    recorder.finish(trace)
    return trace


STAGES = (
    (30, 40, ("middleware", 5, "Inner", "", "")),
    (20, 50, ("middleware", 4, 'Outer "quoted"', "", "")),
    (20, 50, ("view", None, None, "", "ValueError")),
    (60, 60, ("response", 9, "HttpResponse", 200, "")),
    (55, 70, ("query", None, "SELECT 1 FROM cafe_dish", ("default", -1), "")),
    (70, 70, ("rows", None, 20, "", "")),
    (75, 80, ("transaction", None, "BEGIN", "default", "")),
    (90, 95, ("cache", 3, "get", ("key", "hit"), "")),
)


@pytest.mark.parametrize("count", range(len(STAGES) + 1))
def test_a_line_is_that_of_the_request_to_the_byte(
    recorder: Recorder, assembly: Assembly, count: int
) -> None:
    """Nesting, rows folded into their statement, quotes, surrogates, exceptions."""
    trace = made(recorder, *STAGES[:count], modules=["json", "no.such.module"], status=404)
    trace.seen += [11, 12, 11]
    line = Lines(assembly)._request(trace, [12, 13])
    assert line.encode() == encode(assembly.request(trace, [12, 13]))
    told = decode(line.encode())
    assert isinstance(told, Request)
    assert {(token, trace.thread) for token in (11, 12, 13)} <= {*told.seen}
    assert len({*told.seen}) == len(told.seen)


def test_stages_that_do_not_end_one_after_the_other_are_nested_alike(
    recorder: Recorder, assembly: Assembly
) -> None:
    """Whatever the order in which they were recorded, and on whichever thread."""
    inner, outer = STAGES[:2]
    trace = made(recorder, outer, inner)
    trace.far = [(99, 32, 38, STAGES[3][2]), (99, 33, 36, STAGES[0][2])]
    trace.single = False
    assert whole(trace)[2][2] == 99
    assert Lines(assembly)._request(trace, ()).encode() == encode(assembly.request(trace))


def test_births_are_told_whoever_watches_and_wherever_they_happen(
    recorder: Recorder, assembly: Assembly
) -> None:
    """With a label or without, on another thread, with an owner, and without an end to be seen."""
    thing, lines = Thing(), Lines(assembly)
    token, mortal = recorder.lives.watch(thing)
    ref = recorder.lives.refs[token]
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
        assert lines._request(trace, ()).encode() == encode(assembly.request(trace))


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


def test_a_request_like_the_last_two_is_filled_into_their_line(
    recorder: Recorder, assembly: Assembly
) -> None:
    """Other times, tokens, addresses: the third of a kind is not written anew, and says the same.

    Whatever else is different about it is noticed.
    """
    lines = Lines(assembly)
    again, anew = lines._anew, []
    lines._anew = lambda trace, standing: anew.append(trace.number) or again(trace, standing)  # type: ignore[method-assign, assignment, func-returns-value]

    def request(
        path: str = "/", status: int = 200, late: int = 0, token: int | None = 0, **changes: Any
    ) -> bool:
        thing, other = Thing(), Thing()
        trace = recorder.begin(("GET", "", path, ""))
        at = trace.begun
        for each in (thing, other):
            own = recorder.lives.watch(each)[0]
            trace.births += [recorder.lives.refs[own], own, "thing", Thing, None]
        trace.add((at + 1 + late, at + 5, ("middleware", 5, "Inner", "", "")))
        trace.add((at + 2, at + 7, ("connection", own, "open default", "sqlite", "")))
        trace.add((at + 8, at + 9, ("query", 4, "SELECT 1 FROM cafe_dish", ("default", -1), "")))
        trace.add((at + 9, at + 9, ("rows", None, 20, "", "")))
        trace.add((at + 10, at + 10, ("response", token, "HttpResponse", status, "")))
        trace.seen += [1, own, 2]
        trace.status, trace.responded = status, own - 1
        for name, value in changes.items():
            setattr(trace, name, value)
        recorder.finish(trace)
        assert lines._request(trace, [3]).encode() == encode(assembly.request(trace, [3]))
        return trace.number not in anew

    recorder.lives.tokens = itertools.count(10)
    assert [request() for _ in range(4)] == [False, False, True, True]
    assert request("/elsewhere/100%/")
    assert request(size=None)
    assert not request(size=5)
    assert not request(late=2), "another order"
    assert not request(status=404)
    assert not request(responded=None, token=None), "the response was not watched"
    assert not request(ending="never closed")
    assert not request(modules=["json"])
    assert request(), "it is still remembered"


def test_a_stencil_is_made_of_no_request_whose_stages_were_not_told_in_order(
    recorder: Recorder, assembly: Assembly
) -> None:
    """One that has the same stages side by side would be told to have them in each other."""
    lines, what = Lines(assembly), [("cache", 3, "get", ("key", "hit"), ""), STAGES[0][2]]
    for first, second in [((1, 10), (2, 5))] * 3 + [((1, 3), (4, 6))]:
        trace = made(recorder, (*first, what[0]), (*second, what[1]), first=100)
        assert lines._request(trace, ()).encode() == encode(assembly.request(trace))


def test_a_request_is_filled_in_wherever_the_collector_came_and_however_often(
    recorder: Recorder, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes into most requests of a longer page, each time at another place."""
    kinds = (
        (130, 140, ("middleware", 5, "Inner", "", "")),
        (150, 170, ("query", 6, "SELECT 1 FROM cafe_dish", ("default", -1), "")),
        (170, 170, ("rows", None, 20, "", "")),
        (120, 190, ("middleware", 4, "Outer", "", "")),
        (210, 230, ("close", None, "100 %", "", "")),
    )
    filled: list[bool] = []

    def fill(*args: Any, **kwargs: Any) -> str | None:
        line = real(*args, **kwargs)
        filled.append(line is not None)
        return line

    real = Stencil.fill
    monkeypatch.setattr(Stencil, "fill", fill)
    lines, choose = Lines(assembly), random.Random(1)

    def ask(*places: tuple[int, int]) -> None:
        collected = [
            (start, end, ("collection", None, choose.randrange(3), choose.randrange(99), ""))
            for start, end in places
        ]
        trace = made(
            recorder, *sorted((*kinds, *collected), key=lambda event: event[1]), begun=100, first=50
        )
        assert lines._request(trace, ()).encode() == encode(assembly.request(trace, ()))

    for start in (115, 125, 135):
        ask((start, start + 1))
    assert filled == [True]
    for first in (101, 121, 131, 141, 151, 172, 191, 211, 231):
        ask()
        ask((first, first + 2))
        ask((first, first + 2), (first + 4, first + 6), (250, 252))
    assert all(filled)
    assert len(filled) == 1 + 9 * 3
    # Something else happened while it was at work, or nobody can tell.
    for start, end in ((125, 145), (140, 145), (115, 120), (145, 150), (110, 240), (170, 170)):
        ask((start, end))
        assert not filled.pop()
    ask((101, 103), (102, 104))
    assert not filled.pop()
    for _ in range(300):
        starts = [choose.randrange(100, 240) for _ in range(choose.randrange(4))]
        ask(*[(start, start + choose.randrange(12)) for start in starts])
    assert 100 < filled.count(True) < len(filled)


def test_a_response_that_is_not_watched_is_not_taken_for_one_that_is(
    recorder: Recorder, assembly: Assembly
) -> None:
    """One kept in a module, that a view returns after it has asked for another page."""
    events = [
        (at, at, ("response", token, "HttpResponse", 200, "")) for at, token in ((1, 0), (2, None))
    ]
    trace = made(recorder, *events, responded=7)
    assert [span.object for span in assembly.request(trace).spans] == [7, None]
    assert Lines(assembly)._request(trace, ()).encode() == encode(assembly.request(trace))


def test_a_class_made_for_one_request_dies_though_its_birth_was_written(
    recorder: Recorder, assembly: Assembly
) -> None:
    """And another at its address is not taken for it."""
    lines = Lines(assembly)
    for number in range(30):
        cls = type(f"Made{number}", (), {})
        thing, gone = cls(), weakref.ref(cls)
        token, _ = recorder.lives.watch(thing)
        trace = made(recorder, births=[recorder.lives.refs[token], token, "thing", cls, None])
        assert f"Made{number}".encode() in lines.request(trace)
        del cls, thing, trace
        recorder.finished.clear()
        gc.collect()
        assert gone() is None


def test_what_is_remembered_of_stages_and_classes_is_bounded(
    recorder: Recorder, assembly: Assembly
) -> None:
    """However many different ones there are."""
    lines = Lines(assembly)
    token, _ = recorder.lives.watch(Thing)
    for number in [each // 2 for each in range(6 * _MOST)]:
        births = [None, token, "thing", Thing, f"number {number}"]
        stage = (20, 30, ("middleware", 5, f"Layer{number}", "", ""))
        view = f"views.view{number}", "", None
        lines.request(made(recorder, stage, births=births, first=100, view=view))
        recorder.finished.clear()
        for known in (lines._births, lines._stages, lines._met, lines._stencils):
            assert len(known) <= _MOST
    assert min(map(len, (lines._births, lines._stages, lines._met, lines._stencils))) > 0


@pytest.fixture
def site(settings: Any) -> None:
    """A few plain pages."""
    settings.ROOT_URLCONF = "tests.promises.site"


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_a_journal_tells_the_same_as_the_process_that_wrote_it(tmp_path: Any) -> None:
    """A process that only keeps a journal rests its requests; the reader has every one of them."""
    running = live.start(Config(enabled=True, console=False, journal=tmp_path / "traces"))
    try:
        handler = WSGIHandler()
        for _ in range(100):
            serve(handler, environ("/plain/"))
            running.look()
        running.settle()
        mine = running.process()
    finally:
        live.stop(settle=False)
    (story,) = read(tmp_path / "traces").stories
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
    live.start(Config(enabled=True, console=False, journal=tmp_path / "traces"))
    try:
        handler = WSGIHandler()
        for _ in range(5):
            serve(handler, environ("/plain/"))
        with record() as recording:
            recording.get("/plain/")
        assert [request.number for request in recording.requests] == [1]
    finally:
        live.stop(settle=False)
    (story,) = read(tmp_path / "traces").stories
    assert [request.number for request in story.process.requests] == list(range(1, 7))
