"""From raw recordings to facts: statements, nesting, and what a quiet process tallies."""

from __future__ import annotations

import gc
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from threading import current_thread
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.driving import Recording, environ, serve
from tests.facts.reading import on_thread
from tracer import live, rest
from tracer.conf import Config
from tracer.model import stages
from tracer.probes.collector import Collections
from tracer.probes.objects import noting
from tracer.recorder import nesting, statements, threads
from tracer.recorder import trace as trace_module
from tracer.recorder.lives import Ref
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current


@pytest.mark.parametrize(
    ("sql", "name", "transactional"),
    [
        ('SELECT "a"."b" FROM "cafe_dish" WHERE x = %s', "SELECT cafe_dish", False),
        ("select 1", "SELECT", False),
        ('INSERT INTO "cafe_order" ("x") VALUES (%s)', "INSERT cafe_order", False),
        ('UPDATE "s"."t" SET x = 1', "UPDATE s.t", False),
        ("DELETE FROM `t`", "DELETE t", False),
        ('CREATE TABLE IF NOT EXISTS "t" (x)', "CREATE t", False),
        ('SAVEPOINT "s1_x1"', "SAVEPOINT", True),
        ('RELEASE SAVEPOINT "s1_x1"', "RELEASE SAVEPOINT", True),
        ('ROLLBACK TO SAVEPOINT "s1_x1"', "ROLLBACK TO SAVEPOINT", True),
        ("ROLLBACK", "ROLLBACK", True),
        ("BEGIN", "BEGIN", True),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT", False),
        ("canary-secret is no statement", "SQL", False),
        ("", "SQL", False),
    ],
)
def test_a_statement_is_reduced_to_its_kind_and_table(
    sql: str, name: str, transactional: bool
) -> None:
    """Nothing else of the text goes any further."""
    assert statements.describe(sql) == (name, transactional)


def test_stages_on_one_thread_nest_as_the_calls_did() -> None:
    """The enclosing stage begins first and ends last; equal times are told by order of ending."""
    found = [(5, 9, 1, "c"), (5, 9, 1, "b"), (1, 10, 1, "a"), (11, 12, 1, "d")]
    ordered = [found[index] for index in nesting.order(found)]
    assert [each[3] for each in ordered] == ["a", "b", "c", "d"]
    assert nesting.parents(ordered) == [None, 0, 1, None]


def test_a_pool_thread_s_stage_hangs_on_the_view_not_on_its_neighbour() -> None:
    """Two queries on two pool threads overlap; each belongs to the view."""
    ordered = [
        (0, 100, 1, stages.VIEW),
        (10, 90, 2, stages.QUERY),
        (20, 80, 3, stages.QUERY),
    ]
    assert nesting.parents(ordered) == [None, 0, 0]


def test_a_collection_in_a_threads_first_moment_finds_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may come at any moment, also while a thread is being given its number, and asks for it."""
    met: deque[tuple[int, str, int]] = deque()
    lane = threads.Lane(lambda: 0, met, deque())
    asked: list[int] = []

    class Numbers:
        """A collection comes before the first of them is there."""

        given = itertools.count(100)

        def __next__(self) -> int:
            if not asked:
                gc.collect(0)
            return next(self.given)

    def listen(phase: str, info: object) -> None:
        if phase == "stop" and current_thread().name == "other":
            asked.append(0)
            asked[-1] = lane.token

    def begin() -> None:
        gc.callbacks.append(listen)
        try:
            assert lane.token == lane.token == asked[0]
        finally:
            gc.callbacks.remove(listen)

    monkeypatch.setattr(threads, "_tokens", Numbers())
    on_thread(begin)
    assert {(token, name) for token, name, _ in list(met)[1:]} == {(asked[0], "other")}


def test_a_thread_is_one_thread_wherever_a_collection_comes() -> None:
    """Also where its local storage is being made: the collection is a stage of the same thread."""
    recorder = Recorder()
    collections = Collections(recorder)
    before = gc.get_threshold()

    def numbers(threshold: int) -> set[int]:
        trace = recorder.begin(("GET", "", "/", ""))
        trace.spread(recorder.lane)

        def work() -> None:
            current.set(trace)
            event = 1, 2, (stages.CACHE, None, "get", ("", ""), "")
            gc.collect(0)
            collections.install()
            gc.set_threshold(threshold)
            trace.add(event)
            trace.add(event)
            gc.set_threshold(*before)
            collections.uninstall()

        on_thread(work)
        recorder.finish(trace)
        return {thread for thread, *_ in trace.far or ()}

    try:
        found = [numbers(threshold) for threshold in range(1, 41)]
    finally:
        gc.set_threshold(*before)
    assert {len(each) for each in found} == {1}
    assert len(set().union(*found)) == 40, "no number is given twice"
    assert len(recorder.threads.by_ident) == 1, "numbers go with their threads"


def test_a_quiet_process_counts_the_same_as_one_that_made_out_every_request(
    db: None, record: Callable[..., Recording], tmp_path: object
) -> None:
    """Old requests are tallied by their marks; the ledger says what it would have said."""

    def ledger(recording: Recording) -> dict[str, tuple[object, ...]]:
        for _ in range(120):
            recording.get("/hello/")
        for _ in range(60):
            recording.get("/menu/")
        process = recording.settle()
        assert process.served == 180
        # What other tests left alive was there before, and is no business of this one.
        left = Counter(life.cls for life in process.lifetimes if life.phase == "before")
        return {
            row.cls: (row.built - left[row.cls], row.requests)
            for row in process.ledger
            if row.kind in ("request", "response", "session", "match", "middleware", "view")
        }

    with record() as quiet:
        tallied = ledger(quiet)
    with record(journal=tmp_path) as writing:
        made_out = ledger(writing)
    assert tallied == made_out
    assert tallied["django.core.handlers.wsgi.WSGIRequest"][0] == 180
    assert tallied["cafe.views.Menu"][0] == 60


@pytest.fixture
def quiet(db: None, settings: Any) -> Iterator[live.Live]:
    """A process that records, and neither draws nor writes."""
    settings.ROOT_URLCONF = "tests.promises.site"
    yield live.start(Config(enabled=True, console=False))
    live.stop(settle=False)


def test_a_process_that_neither_draws_nor_writes_starts_its_thread_when_it_is_worth_the_while(
    quiet: live.Live,
) -> None:
    """Nobody waits for what was recorded; whoever asks is told all the same."""
    handler = WSGIHandler()
    for _ in range(live.ENOUGH - 1):
        serve(handler, environ("/plain/"))
    assert quiet.thread is None
    serve(handler, environ("/plain/"))
    assert quiet.thread is not None
    assert quiet.process().served == live.ENOUGH


def test_a_request_with_very_many_stages_is_looked_at_at_once(quiet: live.Live) -> None:
    """Else sixty of its kind would take a lot of memory before anybody looks."""
    trace = quiet.recorder.begin(("GET", "", "/", ""))
    for _ in range(600):
        trace.add((1, 2, (stages.CACHE, None, "get", ("", ""), "")))
    quiet.recorder.finish(trace)
    assert quiet.thread is not None


class Knot:
    """Holds itself: only the collector can free it."""

    def __init__(self) -> None:
        self.self = self


def asked(recorder: Recorder, count: int) -> Iterator[trace_module.Trace]:
    """So many finished requests, each of which built one knot."""
    for _ in range(count):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        noting(recorder, "thing")(Knot())
        current.set(None)
        recorder.finish(trace)
        yield trace


def test_old_requests_wait_for_the_collector_before_they_are_counted() -> None:
    """Not one of their objects is remembered, for all are gone by then."""
    recorder = Recorder()
    waiting = rest.Rest(recorder)
    gc.disable()
    try:
        waiting.traces.extend(asked(recorder, 200))
        assert not waiting.absorb()
        assert waiting.tally.served == 0, "the collector has not come yet"
        gc.collect()
        assert waiting.absorb()
    finally:
        gc.enable()
    assert (waiting.tally.served, waiting.tally.stayed) == (200 - rest.RESTING, [])


def test_requests_that_have_waited_long_are_counted_with_what_is_left_of_them() -> None:
    """What they built and is there still is remembered one by one: a leak must not be missed."""
    recorder = Recorder()
    waiting = rest.Rest(recorder)
    gc.disable()
    try:
        waiting.traces.extend(asked(recorder, rest.WAITING + 10))
        assert waiting.absorb()
    finally:
        gc.enable()
    assert waiting.count < rest.WAITING
    assert waiting.tally.served == len(waiting.tally.stayed) > 10
    assert {number for _, number in waiting.tally.stayed} == set(range(1, waiting.tally.served + 1))
    gc.collect()


def test_a_request_that_waits_for_the_collector_holds_up_no_later_one() -> None:
    """One in twenty is in flight when the collector comes, and waits for hundreds of others."""
    recorder = Recorder()
    waiting = rest.Rest(recorder)
    gc.disable()
    try:
        waiting.traces.extend(asked(recorder, 1))
        for _ in range(40):
            trace = recorder.begin(("GET", "", "/", ""))
            recorder.finish(trace)
            waiting.traces.append(trace)
        waiting.absorb()
        assert waiting.tally.served == 40 - rest.RESTING
        assert [trace.number for trace in waiting.take()] == [1, *range(26, 42)]
    finally:
        gc.enable()
    gc.collect()


def test_the_newest_of_those_counted_are_told_though_the_oldest_are_counted_last() -> None:
    """By them it is told during which request something died."""
    recorder = Recorder()
    waiting = rest.Rest(recorder)
    gc.disable()
    try:
        waiting.traces.extend(asked(recorder, 3))
        for _ in range(40):
            trace = recorder.begin(("GET", "", "/", ""))
            recorder.finish(trace)
            waiting.traces.append(trace)
        assert waiting.absorb(collected=True)
    finally:
        gc.enable()
    assert [number for _, number in waiting.tally.stayed] == [1, 2, 3]
    assert [number for _, number in waiting.tally.begins] == [24, 25, 26, 27]
    gc.collect()


class Thing:
    """Ends with its last reference."""


def references() -> int:
    """How many weak references of the tracer's there are."""
    return sum(type(each) is Ref for each in gc.get_objects())


def test_the_time_of_its_death_takes_the_place_of_an_object_among_the_births() -> None:
    """And the weak reference is gone at once: the collector never takes it for what stays."""
    recorder = Recorder(itertools.count(1000).__next__)
    trace = recorder.begin(("GET", "", "/", ""))
    note = noting(recorder, "thing")
    things = [Thing(), Thing()]
    current.set(trace)
    for each in things:
        note(each)
    current.set(None)
    first, second = trace.births[::5]
    assert (first(), second()) == tuple(things)
    # As if both had been born at once, on two threads.
    second.place = first.place
    del second, first, each
    there, before = references(), recorder.clock()
    things.pop()
    assert type(trace.births[0]) is Ref
    assert trace.births[5] == before + 1
    assert references() == there - 1
    things.pop()
    assert trace.births[0] > trace.births[5]
    assert recorder.lives.refs == {}
    assert not recorder.lives.deaths, "nobody but the request was to be told"


def test_what_dies_after_its_request_was_taken_over_is_told_to_both() -> None:
    """To the request that waits to be counted, and to whoever knows its birth already."""
    recorder = Recorder()
    trace = recorder.begin(("GET", "", "/", ""))
    current.set(trace)
    thing, early = Thing(), Thing()
    for each in (thing, early):
        noting(recorder, "thing")(each)
    current.set(None)
    recorder.finish(trace)
    token = trace.births[1]
    del early, each
    assert recorder.lives.keep(trace.births, waits=True) == [(trace.births[6], trace.births[5])]
    assert recorder.lives.keep(trace.births, waits=True) == [(trace.births[6], trace.births[5])]
    del thing
    assert trace.births[0] > 0
    (dead,) = recorder.lives.drain()
    assert (dead.token, dead.at) == (token, trace.births[0])


def test_a_quiet_process_knows_that_watched_objects_died_with_their_requests(
    quiet: live.Live,
) -> None:
    """Also those that are recognised when they are used, such as of classes named in WATCH."""
    recorder = quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(2 * rest.WAITING):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        recorder.born(Thing(), "watched")
        current.set(None)
        recorder.finish(trace)
        if trace.number % 50 == 0:
            quiet.look()
    process = quiet.process()
    assert process.served == 2 * rest.WAITING
    (row,) = [row for row in process.ledger if row.kind == "watched"]
    assert (row.built, row.freed) == (2 * rest.WAITING, {"response": 2 * rest.WAITING})


def test_what_a_full_collection_leaves_of_an_old_request_is_kept(quiet: live.Live) -> None:
    """In a quiet process, too, of which only the newest requests are made out for it."""
    handler, recorder = WSGIHandler(), quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(3):
        serve(handler, environ("/plain/"))
    quiet.look()
    left, kept = 3, []
    for number in range(100):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        noting(recorder, "thing")(knot := Knot())
        current.set(None)
        recorder.finish(trace)
        if number < left:
            kept.append(knot)
    del knot
    quiet.look()
    gc.collect()
    quiet.look()
    made_out = len(quiet.desk.history.requests)
    process = quiet.process()
    assert made_out <= rest.RESTING + 2, "the first two are never forgotten"
    assert process.served == 103
    assert process.barriers
    found = [life for life in process.lifetimes if life.cls.endswith("Knot")]
    assert [life.scope for life in found if life.died_at is None] == ["kept"] * left
    (row,) = [row for row in process.ledger if row.cls.endswith("Knot")]
    assert (row.built, row.freed) == (100, {"collector": 97})


def test_a_recording_is_used_again_unless_somebody_holds_it_still() -> None:
    """A thread that outlives its request can write into no other request's recording."""
    recorder = Recorder()

    def made() -> trace_module.Trace:
        trace = recorder.begin(("GET", "", "/", ""))
        trace.add((1, 2, (stages.CACHE, None, "get", ("", ""), "")))
        trace.seen.append(7)
        recorder.finish(trace)
        return trace

    def given_back() -> bool:
        trace = recorder.finished.popleft()
        trace_module.give_back(recorder.spare, trace)
        return bool(recorder.spare)

    held = made()
    assert not given_back(), "this test holds it"
    assert held.events
    del held
    made()
    assert given_back()
    address = id(recorder.spare[0])
    again = recorder.begin(("POST", "/app", "/x/", "q"))
    assert (id(again), again.events, again.births, again.seen) == (address, [], [], [])
    assert (again.number, again.closed, again.method, again.path) == (3, 0, "POST", "/x/")
    again.spread(recorder.lane)
    recorder.finish(again)
    del again
    assert not given_back(), "several threads took part"
