"""What a death says: in which request, by which way, and on which thread that ends."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tracer.probes.constructors import birth_recorder
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current


class Thing:
    """Dies with its last reference, unless it holds itself."""

    itself: Thing


Birth = Callable[[Recorder, Thing], object]

BIRTHS: dict[str, Birth] = {
    "in the usual way": lambda recorder, thing: birth_recorder(recorder, "thing")(thing),
    "to be looked up": lambda recorder, thing: birth_recorder(recorder, "engine")(thing),
    "step by step": lambda recorder, thing: recorder.born(thing, "watched"),
}


@pytest.fixture(params=list(BIRTHS))
def born(request: pytest.FixtureRequest) -> Birth:
    """Each way in which a birth is noted."""
    return BIRTHS[request.param]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder that keeps what it records."""
    made = Recorder()
    yield made
    assert made.faults == {}


@contextmanager
def served(recorder: Recorder) -> Iterator[Trace]:
    """Serves one request."""
    trace = recorder.begin(("GET", "", "/", ""))
    token = current.set(trace)
    try:
        yield trace
    finally:
        recorder.finish(trace)
        current.reset(token)


def token_and_class(trace: Trace) -> tuple[int, int]:
    """Returns token and number of the class of what a request built first."""
    return trace.births[1], trace.births[3]


def test_what_a_later_request_lets_go_is_noted_with_that_request(
    recorder: Recorder, born: Birth
) -> None:
    """By its token and its class, so that it can be seen whether another took its place."""
    with served(recorder) as first:
        thing = Thing()
        born(recorder, thing)
    with served(recorder) as second:
        del thing
    assert [*recorder.weakrefs.untimely.let_go] == [(*token_and_class(first), second.number)]
    assert recorder.classes.names[first.births[3]].endswith("Thing")


def test_it_is_noted_though_the_worker_has_handled_its_own_request(
    recorder: Recorder, born: Birth
) -> None:
    """The births are taken over by then."""
    with served(recorder) as first:
        thing = Thing()
        born(recorder, thing)
    recorder.weakrefs.take_over(first.births)
    with served(recorder) as second:
        del thing
    assert [*recorder.weakrefs.untimely.let_go] == [(*token_and_class(first), second.number)]


def test_what_its_own_request_lets_go_is_not_noted(recorder: Recorder, born: Birth) -> None:
    """Nor what dies when no request is under way."""
    with served(recorder):
        thing, later = Thing(), Thing()
        born(recorder, thing)
        born(recorder, later)
        del thing
    del later
    assert not recorder.weakrefs.untimely.let_go


def test_what_a_request_lets_go_after_its_end_is_not_noted(recorder: Recorder, born: Birth) -> None:
    """A context may carry a closed request on, as that of a background task does."""
    with served(recorder):
        thing = Thing()
        born(recorder, thing)
    with served(recorder) as second:
        recorder.finish(second)
        del thing
    assert not recorder.weakrefs.untimely.let_go


def test_what_the_collector_frees_in_a_later_request_is_not_noted(
    recorder: Recorder, born: Birth
) -> None:
    """The collector came by chance: nobody let it go."""
    collections = recorder.weakrefs.set_collection
    with served(recorder):
        thing = Thing()
        thing.itself = thing
        born(recorder, thing)
    gc.disable()
    try:
        with served(recorder):
            del thing
            collections(threading.get_ident(), recorder.clock())
            gc.collect()
            collections(0, 0)
    finally:
        gc.enable()
    assert not recorder.weakrefs.untimely.let_go


def test_what_was_built_outside_of_requests_is_not_noted(recorder: Recorder) -> None:
    """It stands in no request's place."""
    thing = Thing()
    recorder.born(thing, "watched")
    with served(recorder):
        del thing
    assert not recorder.weakrefs.untimely.let_go


def on_thread(work: Callable[[], Any]) -> threading.Thread:
    """Runs something in a thread of its own, and waits for its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(120)
    return thread


def test_what_a_thread_lets_go_as_it_ends_is_noted_with_the_thread(
    recorder: Recorder, born: Birth
) -> None:
    """From when it has said that it ends."""
    things: list[Thing] = []
    ending = recorder.weakrefs.untimely.ending
    with served(recorder) as trace:
        for _ in range(2):
            things.append(Thing())
            born(recorder, things[-1])

    def work() -> None:
        things.pop(0)
        ending[threading.get_ident()] = 17, threading.get_native_id()
        things.pop(0)

    on_thread(work)
    assert [*recorder.weakrefs.untimely.with_thread] == [(trace.births[6], 17)]


def test_a_thread_is_not_taken_for_an_earlier_one_that_had_its_identifier(
    recorder: Recorder, born: Birth
) -> None:
    """The operating system gives the identifier of a thread that has ended to the next one."""
    ending = recorder.weakrefs.untimely.ending
    with served(recorder):
        thing = [Thing()]
        born(recorder, thing[0])

    def work() -> None:
        ending[threading.get_ident()] = 17, threading.get_native_id() + 1
        thing.clear()

    on_thread(work)
    assert not recorder.weakrefs.untimely.with_thread


def test_in_the_request_that_a_thread_ends_with_a_death_is_that_request_s(
    recorder: Recorder, born: Birth
) -> None:
    """A thread that a request started ends while the request is under way."""
    with served(recorder) as first:
        thing = Thing()
        born(recorder, thing)
    recorder.weakrefs.untimely.ending[threading.get_ident()] = 17, threading.get_native_id()
    with served(recorder) as second:
        del thing
    assert not recorder.weakrefs.untimely.with_thread
    assert [*recorder.weakrefs.untimely.let_go] == [(*token_and_class(first), second.number)]


def test_what_another_thread_lets_go_during_a_collection_is_not_the_collectors(
    recorder: Recorder, born: Birth
) -> None:
    """A collection runs finalizers, and in these Python may switch to another thread."""
    with served(recorder) as trace:
        things = [Thing()]
        born(recorder, things[0])
    recorder.weakrefs.set_collection(threading.get_ident(), recorder.clock())
    on_thread(things.clear)
    recorder.weakrefs.set_collection(0, 0)
    assert trace.births[0] > 0, "the collector's deaths have negative times"


def test_beyond_a_limit_of_objects_births_are_only_counted(recorder: Recorder) -> None:
    """Until some of those that are watched have died, and their deaths were taken."""
    recorder.weakrefs.limit = 2
    things = [Thing(), Thing(), Thing()]
    first, second, third = [recorder.born(each, "watched") for each in things]
    assert first is not None
    assert second is not None
    assert third is None
    with served(recorder) as trace:
        assert recorder.born(things[2], "watched") is None
    assert (trace.births, trace.uncounted) == ([], 1)
    assert [*recorder.weakrefs.refs] == [first, second]
    things.pop(0)
    recorder.weakrefs.drain()
    assert recorder.born(things[1], "watched") is not None
