"""What the backlog hands to the history, and in which order."""

from __future__ import annotations

import gc

from django.core.handlers.wsgi import WSGIHandler

from tests.runtime.made import LEAK, Knot, build
from tests.support.client import environ, serve
from tracer import runtime
from tracer.model import EndedWithThread, Fact, Replaced, Walk
from tracer.probes.constructors import birth_recorder
from tracer.recorder.trace import current
from tracer.runtime.backlog import MOST_AFTER
from tracer.runtime.batch import Batch


def test_what_comes_after_requests_reaches_the_history_after_them(quiet: runtime.Tracer) -> None:
    """In the order in which it was reported, though the requests have waited meanwhile."""
    recorder, order = quiet.recorder, list[str]()
    recorder.on_finish = lambda: None
    history = quiet.backlog.history
    feed = history.feed

    def listen(fact: Fact) -> None:
        order.append(type(fact).__name__)
        feed(fact)

    for _ in range(3):
        serve(WSGIHandler(), environ("/plain/"))
    quiet.handle_recorded()
    history.feed = listen  # type: ignore[method-assign]
    ended, walk = EndedWithThread(1, (1,)), Walk(1, 2)
    quiet.pipeline.run(Batch(recorder, after=[Replaced((1,))]))
    assert order == [], "it waits with the requests"
    trace = recorder.begin(("GET", "", "/", ""))
    recorder.finish(trace)
    quiet.handle_recorded()
    quiet.pipeline.run(Batch(recorder, after=[ended, walk]))
    kinds = [each for each in order if each in ("Request", "Replaced", "EndedWithThread", "Walk")]
    assert kinds[-4:] == ["Request", "Replaced", "EndedWithThread", "Walk"]


def test_many_facts_that_come_after_requests_are_not_kept_for_ever(quiet: runtime.Tracer) -> None:
    """Even without a walk, a collection, or a question from anybody."""
    recorder = quiet.recorder
    for _ in range(3):
        serve(WSGIHandler(), environ("/plain/"))
    quiet.handle_recorded()
    for token in range(5 * MOST_AFTER):
        quiet.pipeline.run(Batch(recorder, after=[Replaced((token,))]))
        assert len(quiet.backlog.after) <= MOST_AFTER


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
    for _ in range(40):
        build(recorder, "/plain/")
    quiet.handle_recorded()
    gc.collect()
    quiet.handle_recorded()
    assert trace.number not in quiet.backlog.history.requests
    process = quiet.process()
    LEAK.clear()
    left = [each for each in process.lifetimes if each.cls.endswith("Knot") and not each.died_at]
    assert [(life.by_import, life.scope) for life in left] == [
        ("shop.late", "process"),
        ("", "undecided"),
    ]
