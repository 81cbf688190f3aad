"""From raw recordings to facts: statements, nesting, and what a quiet process tallies."""

from __future__ import annotations

import gc
import itertools
from collections import deque
from threading import current_thread
from typing import Any

import pytest

from tests.facts.reading import on_thread
from tests.support.client import Recording
from tracer.model import assemble, nesting, privacy, stages
from tracer.model.sql import describe
from tracer.probes.constructors import birth_recorder
from tracer.probes.garbage_collector import CollectionProbe
from tracer.recorder import threads
from tracer.recorder import trace as trace_module
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current, spread
from tracer.recorder.weakrefs import Ref


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
    assert describe(sql) == (name, transactional)


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
    lane = threads.CurrentThread(lambda: 0, met, deque())
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
    collections = CollectionProbe(recorder)
    before = gc.get_threshold()

    def numbers(threshold: int) -> set[int]:
        trace = recorder.begin(("GET", "", "/", ""))
        spread(trace, recorder.current_thread)

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
        return {thread for thread, *_ in trace.other_threads or ()}

    try:
        found = [numbers(threshold) for threshold in range(1, 41)]
    finally:
        gc.set_threshold(*before)
    assert {len(each) for each in found} == {1}
    assert len(set().union(*found)) == 40, "no number is given twice"
    assert len(recorder.threads.by_ident) == 1, "numbers go with their threads"


class Thing:
    """Ends with its last reference."""


def references() -> int:
    """How many weak references of the tracer's there are."""
    return sum(type(each) is Ref for each in gc.get_objects())


def test_the_time_of_its_death_takes_the_place_of_an_object_among_the_births() -> None:
    """And the weak reference is gone at once: the collector never takes it for what stays."""
    recorder = Recorder(itertools.count(1000).__next__)
    trace = recorder.begin(("GET", "", "/", ""))
    note = birth_recorder(recorder, "thing")
    things = [Thing(), Thing()]
    current.set(trace)
    for each in things:
        note(each)
    current.set(None)
    first, second = trace.births[::5]
    assert (first(), second()) == tuple(things)
    # As if both had been born at once, on two threads.
    second.index = first.index
    del second, first, each
    there, before = references(), recorder.clock()
    things.pop()
    assert type(trace.births[0]) is Ref
    assert trace.births[5] == before + 1
    assert references() == there - 1
    things.pop()
    assert trace.births[0] > trace.births[5]
    assert recorder.weakrefs.refs == {}
    assert not recorder.weakrefs.deaths, "only the request itself needs to know of it"


def finished(recorder: Recorder, *things: Thing) -> Trace:
    """A request in which these were born."""
    trace = recorder.begin(("GET", "", "/", ""))
    current.set(trace)
    for thing in things:
        birth_recorder(recorder, "thing")(thing)
    current.set(None)
    recorder.finish(trace)
    return trace


def test_what_dies_after_its_request_was_taken_over_is_reported() -> None:
    """An object that died before that is reported with its request."""
    recorder = Recorder()
    thing, early = Thing(), Thing()
    trace = finished(recorder, thing, early)
    token = trace.births[1]
    del early
    recorder.weakrefs.take_over(trace.births)
    assert [type(mark) for mark in trace.births[::5]] == [Ref, int]
    del thing
    (dead,) = recorder.weakrefs.drain()
    assert dead.token == token
    assert dead.at > trace.births[5]
    assert type(trace.births[0]) is Ref, "the request's births may be another's by now"


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
    spread(again, recorder.current_thread)
    recorder.finish(again)
    del again
    assert not given_back(), "several threads took part"


def test_a_request_is_read_while_somebody_looks_at_the_whole_heap(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tools that look for leaks do: they must find no tuple that is still being made."""
    heap: list[Any] = []
    for module, name in ((privacy, "_plain"), (assemble, "words"), (assemble, "birth")):
        original = getattr(module, name)

        def looking(*args: Any, call: Any = original) -> Any:
            heap.append(gc.get_objects())
            return call(*args)

        monkeypatch.setattr(module, name, looking)
    recording.get("/hello/")
    request = recording.request()
    assert len(heap) > len(request.births) + len(request.spans) > 10
