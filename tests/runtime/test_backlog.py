"""What a running process remembers of its requests, and counts of those that it forgets."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable

from django.core.handlers.wsgi import WSGIHandler

from tests.runtime.made import LEAK, Knot, build
from tests.support.client import Recording, environ, serve
from tracer import runtime
from tracer.model import Died, EndedWithThread, Fact, Replaced, Walk, stages
from tracer.probes.constructors import birth_recorder
from tracer.recorder.trace import current
from tracer.runtime.batch import Batch
from tracer.runtime.worker import BATCH_SIZE


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


def test_a_process_that_neither_draws_nor_writes_starts_its_thread_when_it_is_worth_the_while(
    quiet: runtime.Tracer,
) -> None:
    """Nobody waits for what was recorded; whoever asks is told all the same."""
    handler = WSGIHandler()
    for _ in range(BATCH_SIZE - 1):
        serve(handler, environ("/plain/"))
    assert quiet.worker.thread is None
    serve(handler, environ("/plain/"))
    assert quiet.worker.thread is not None
    assert quiet.process().served == BATCH_SIZE


def test_a_request_with_very_many_stages_is_looked_at_at_once(quiet: runtime.Tracer) -> None:
    """Else sixty of its kind would take a lot of memory before anybody looks."""
    trace = quiet.recorder.begin(("GET", "", "/", ""))
    for _ in range(600):
        trace.add((1, 2, (stages.CACHE, None, "get", ("", ""), "")))
    quiet.recorder.finish(trace)
    assert quiet.worker.thread is not None


MANY = 500
"""Requests, many more than are remembered."""


class Thing:
    """Ends with its last reference."""


def test_a_quiet_process_knows_that_watched_objects_died_with_their_requests(
    quiet: runtime.Tracer,
) -> None:
    """Also those that are recognised when they are used, such as of classes named in WATCH."""
    recorder = quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(MANY):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        recorder.born(Thing(), "watched")
        current.set(None)
        recorder.finish(trace)
        if trace.number % 50 == 0:
            quiet.handle_recorded()
    process = quiet.process()
    assert process.served == MANY
    (row,) = [row for row in process.ledger if row.kind == "watched"]
    assert (row.built, row.freed) == (MANY, {"response": MANY})


def test_what_old_requests_left_in_a_list_is_kept(quiet: runtime.Tracer) -> None:
    """In a quiet process, too, of which only the newest requests are made out for it."""
    handler, recorder = WSGIHandler(), quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(3):
        serve(handler, environ("/plain/"))
    quiet.handle_recorded()
    LEAK[:] = [build(recorder, "/leaky/") for _ in range(4)]
    for _ in range(96):
        build(recorder, "/plain/")
    quiet.handle_recorded()
    gc.collect()
    quiet.handle_recorded()
    quiet.walker.run()
    process = quiet.process()
    LEAK.clear()
    assert process.served == 103
    assert process.barriers
    found = [life for life in process.lifetimes if life.cls.endswith("Knot")]
    left = [life for life in found if life.died_at is None]
    assert [life.scope for life in left] == ["kept"] * 4
    assert {life.spot for life in left} == {"tests.runtime.made.LEAK[*]"}
    (row,) = [row for row in process.ledger if row.cls.endswith("Knot")]
    assert (row.built, row.freed) == (100, {"collector": 96})


def test_what_too_few_of_the_old_requests_for_a_page_left_is_not_kept(
    quiet: runtime.Tracer,
) -> None:
    """The backlog counts for which pages they were: four of a hundred left one."""
    recorder = quiet.recorder
    recorder.on_finish = lambda: None
    LEAK[:] = [build(recorder, "/mixed/") for _ in range(100)][::25]
    quiet.handle_recorded()
    gc.collect()
    quiet.handle_recorded()
    quiet.walker.run()
    process = quiet.process()
    LEAK.clear()
    left = [each for each in process.lifetimes if each.cls.endswith("Knot") and not each.died_at]
    assert [life.scope for life in left] == ["process"] * 4


def test_facts_reach_the_history_causes_before_effects(quiet: runtime.Tracer) -> None:
    """The requests first, then what can only be said of requests that are known."""
    recorder, order = quiet.recorder, list[str]()
    recorder.on_finish = lambda: None
    history = quiet.backlog.history
    feed = history.feed

    def listen(fact: Fact) -> None:
        order.append(type(fact).__name__)
        feed(fact)

    history.feed = listen  # type: ignore[method-assign]
    trace = recorder.begin(("GET", "", "/", ""))
    recorder.finish(trace)
    after = [Replaced((1,)), EndedWithThread(1, (1,)), Walk(1, 2)]
    quiet.pipeline.run(Batch(recorder, traces=[trace], ends=[Died(5, 7, "reference")], after=after))
    assert order == ["RecordedRequests", "Deaths", "Replaced", "EndedWithThread", "Walk"]


def test_what_an_import_built_in_a_request_that_is_counted_is_still_the_import_s(
    quiet: runtime.Tracer,
) -> None:
    """The request is one of many; what it left is remembered with the module's name."""
    recorder = quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(3):
        serve(WSGIHandler(), environ("/plain/"))
    quiet.handle_recorded()
    trace = recorder.begin(("GET", "", "/late/", ""))
    current.set(trace)
    for _ in range(2):
        birth_recorder(recorder, "thing")(knot := Knot())
        LEAK.append(knot)
    current.set(None)
    del knot
    trace.by_import = [("shop.late", trace.thread, 0, 5)]
    recorder.finish(trace)
    for _ in range(80):
        build(recorder, "/plain/")
    quiet.handle_recorded()
    gc.collect()
    quiet.handle_recorded()
    assert quiet.backlog.history.request(trace.number) is None
    process = quiet.process()
    LEAK.clear()
    left = [each for each in process.lifetimes if each.cls.endswith("Knot") and not each.died_at]
    assert [(life.by_import, life.scope) for life in left] == [
        ("shop.late", "process"),
        ("", "undecided"),
    ]
