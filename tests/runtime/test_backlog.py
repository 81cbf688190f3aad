"""What a quiet process counts of its requests: it must say what making them all out would."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable

from django.core.handlers.wsgi import WSGIHandler

from tests.runtime.made import LEAK, asked, build, page, plain, uncollected
from tests.support.client import Recording, environ, serve
from tracer import runtime
from tracer.model import stages
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current
from tracer.runtime import waiting_traces
from tracer.runtime.counts import Counts
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


def test_old_requests_wait_for_the_collector_before_they_are_counted() -> None:
    """Not one of their objects is remembered, for all are gone by then."""
    recorder = Recorder()
    waiting = waiting_traces.WaitingTraces(recorder, page)
    with uncollected():
        waiting.traces.extend(asked(recorder, 200))
        assert not waiting.reduce()
        assert waiting.counts.served == 0, "the collector has not come yet"
        gc.collect()
        assert waiting.reduce()
    assert (waiting.counts.served, waiting.counts.survivors) == (200 - waiting_traces.NEWEST, [])


def test_requests_that_have_waited_long_are_counted_with_what_is_left_of_them() -> None:
    """What they built and is there still is remembered one by one: a leak must not be missed."""
    recorder = Recorder()
    waiting = waiting_traces.WaitingTraces(recorder, page)
    with uncollected():
        waiting.traces.extend(asked(recorder, waiting_traces.MOST_WAITING + 10))
        assert waiting.reduce()
    assert waiting.count < waiting_traces.MOST_WAITING
    assert waiting.counts.served == len(waiting.counts.survivors) > 10
    counted = list(range(1, waiting.counts.served + 1))
    survivors = sorted((number, page) for _, number, page, _ in waiting.counts.survivors)
    assert survivors == [(number, "GET /") for number in counted]
    assert sorted(each[:3:2] for each in waiting.counts.pages) == [("GET /", n) for n in counted]
    gc.collect()


def test_a_request_that_waits_for_the_collector_holds_up_no_later_one() -> None:
    """One in twenty is in flight when the collector comes, and waits for hundreds of others."""
    recorder = Recorder()
    waiting = waiting_traces.WaitingTraces(recorder, page)
    with uncollected():
        waiting.traces.extend([*asked(recorder, 1), *plain(recorder, 40)])
        waiting.reduce()
        assert waiting.counts.served == 40 - waiting_traces.NEWEST
        assert [trace.number for trace in waiting.take()] == [1, *range(26, 42)]


def test_the_newest_of_those_counted_are_reported_though_the_oldest_are_counted_last() -> None:
    """By them it is told during which request something died."""
    recorder = Recorder()
    waiting = waiting_traces.WaitingTraces(recorder, page)
    with uncollected():
        waiting.traces.extend([*asked(recorder, 3), *plain(recorder, 40)])
        assert waiting.reduce(collected=True)
        assert [number for _, number, *_ in waiting.counts.survivors] == [1, 2, 3]
        assert [number for _, number in waiting.counts.begins] == [24, 25, 26, 27]


class Thing:
    """Ends with its last reference."""


def test_a_quiet_process_knows_that_watched_objects_died_with_their_requests(
    quiet: runtime.Tracer,
) -> None:
    """Also those that are recognised when they are used, such as of classes named in WATCH."""
    recorder = quiet.recorder
    recorder.on_finish = lambda: None
    for _ in range(2 * waiting_traces.MOST_WAITING):
        trace = recorder.begin(("GET", "", "/", ""))
        current.set(trace)
        recorder.born(Thing(), "watched")
        current.set(None)
        recorder.finish(trace)
        if trace.number % 50 == 0:
            quiet.handle_recorded()
    process = quiet.process()
    assert process.served == 2 * waiting_traces.MOST_WAITING
    (row,) = [row for row in process.ledger if row.kind == "watched"]
    assert (row.built, row.freed) == (
        2 * waiting_traces.MOST_WAITING,
        {"response": 2 * waiting_traces.MOST_WAITING},
    )


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
    made_out = len(quiet.backlog.history.requests)
    quiet.walker.run()
    process = quiet.process()
    LEAK.clear()
    assert made_out <= waiting_traces.NEWEST + 2, "the first two are never forgotten"
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


def test_what_one_request_built_and_the_next_uses_is_a_use_by_the_next() -> None:
    """Though both are alike to the last token: to the first it is its own, to the second older."""
    recorder = Recorder()
    counted = Counts(page)
    for number, built in ((1, 11), (2, 21)):
        trace = recorder.begin(("GET", "", "/", ""))
        trace.first = 10 * number
        trace.births += [number, built, "thing", Thing, None]
        trace.seen += [5, 11]
        recorder.finish(trace)
        assert counted.take([trace], {}) == []
    assert {older: count for (_, older), (count, _) in counted.used.items()} == {
        (5,): 1,
        (5, 11): 1,
    }
