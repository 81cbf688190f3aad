"""The walker reports what is different since the last walk: found, moved, lost."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tracer import runtime
from tracer.conf import Config
from tracer.model import Walk
from tracer.model.objects import TrackedObject
from tracer.probes.constructors import birth_recorder
from tracer.recorder.trace import current
from tracer.runtime.batch import Batch

SHELF: list[Any] = []
OTHER: dict[str, Any] = {}


class Thing:
    """Dies with its last reference."""


class Walks:
    """A sink that remembers every walk."""

    name = "the test"

    def __init__(self) -> None:
        self.seen: list[Walk] = []

    def take(self, batch: Batch) -> None:
        """Takes one batch."""
        self.seen += [fact for fact in batch.after if isinstance(fact, Walk)]


@pytest.fixture
def tracer() -> Iterator[runtime.Tracer]:
    """A process without console and journal, whose walks are called for."""
    yield runtime.start(Config(enabled=True, console=False))
    runtime.stop(settle=False)
    SHELF.clear()
    OTHER.clear()


@pytest.fixture
def walks(tracer: runtime.Tracer) -> list[Walk]:
    """The walks that are reported."""
    sink = Walks()
    tracer.pipeline.sinks.append(sink)
    return sink.seen


def build(tracer: runtime.Tracer, make: Callable[[], object] = Thing) -> Any:
    """Serves a request that builds one object, and returns it."""
    with request(tracer):
        thing = make()
        birth_recorder(tracer.recorder, "thing")(thing)
    return thing


@contextmanager
def request(tracer: runtime.Tracer) -> Iterator[None]:
    """A request is in flight."""
    trace = tracer.recorder.begin(("GET", "", "/page/", ""))
    token = current.set(trace)
    try:
        yield
    finally:
        current.reset(token)
        tracer.recorder.finish(trace)


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector does not come by itself."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def tracked(tracer: runtime.Tracer) -> list[TrackedObject]:
    """Returns what the tracer knows of each object."""
    return list(tracer.backlog.history.objects.store.all().values())


def paths(walk: Walk) -> list[str]:
    """Returns the paths that a walk reports of what this module holds."""
    return [held.path for held in walk.found if held.path.startswith(__name__)]


def test_what_is_found_is_reported_once(tracer: runtime.Tracer, walks: list[Walk]) -> None:
    """The next walk has nothing new to say of it."""
    SHELF.append(build(tracer))
    tracer.walker.run()
    tracer.walker.run()
    first, second = walks
    assert paths(first) == [f"{__name__}.SHELF[0]"]
    (held,) = [held for held in first.found if held.path == f"{__name__}.SHELF[0]"]
    assert (held.spot, held.root) == (f"{__name__}.SHELF[*]", "module")
    assert (second.found, second.lost) == ((), ())
    assert first.begun <= first.ended <= second.begun


def test_what_has_moved_is_found_anew_and_not_lost(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """Something else holds it now."""
    SHELF.append(build(tracer))
    tracer.walker.run()
    OTHER["thing"] = SHELF.pop()
    tracer.walker.run()
    assert paths(walks[1]) == [f"{__name__}.OTHER['…']"]
    assert walks[1].lost == ()


def test_what_lives_and_is_held_no_more_is_lost_and_may_be_found_again(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """It holds itself, and waits for the collector."""
    with uncollected():
        never_held = build(tracer)
        never_held.itself = never_held
        del never_held
        knot = build(tracer)
        knot.itself = knot
        again = weakref.ref(knot)
        SHELF.append(knot)
        del knot
        tracer.walker.run()
        SHELF.clear()
        tracer.walker.run()
        SHELF.append(again())
        tracer.walker.run()
    (token,) = [held.token for held in walks[0].found if held.path.startswith(__name__)]
    assert [walk.lost for walk in walks] == [(), (token,), ()]
    assert paths(walks[2]) == [f"{__name__}.SHELF[0]"]


def test_what_dies_during_a_walk_is_neither_found_nor_lost(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """Whether an earlier walk had found it, or none."""
    SHELF.append(build(tracer))
    tracer.walker.run()
    SHELF.append(build(tracer))
    tracer.walker.run(pause=SHELF.clear)
    assert (paths(walks[1]), walks[1].lost) == ([], ())
    tracer.walker.run()
    things = [known for known in tracked(tracer) if known.name == "Thing"]
    assert [known.death is not None for known in things] == [True, True]


def test_what_dies_during_a_walk_does_not_lie_beside_what_has_replaced_it(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """As what each request replaces, and the collector frees while the walk goes on."""
    with uncollected():
        for _ in range(3):
            OTHER["newest"] = knot = build(tracer)
            knot.itself = knot
            del knot
            once = (gc.collect() for _ in range(1))
            tracer.walker.run(pause=partial(next, once, None))
    (place,) = tracer.backlog.history.objects.spots._places.values()
    assert not place.had_several


def test_what_a_request_in_flight_built_is_not_looked_for(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """It is held because the request runs, which says nothing of its life."""
    with request(tracer):
        SHELF.append(Thing())
        birth_recorder(tracer.recorder, "thing")(SHELF[0])
        tracer.walker.run()
    tracer.walker.run()
    assert [paths(walk) for walk in walks] == [[], [f"{__name__}.SHELF[0]"]]


def test_a_walk_is_due_after_a_request_until_one_has_come_to_its_end(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """One that was given up is due again, and reports nothing."""
    assert not tracer.walker.is_due
    SHELF.append(build(tracer))
    tracer.handle_recorded()
    assert tracer.walker.is_due
    tracer.walker.run(give_up=lambda: True)
    assert (walks, tracer.walker.is_due) == ([], True)
    tracer.walker.run()
    assert (len(walks), tracer.walker.is_due) == (1, False)


def test_a_request_that_comes_during_a_walk_makes_the_next_one_due(
    tracer: runtime.Tracer, walks: list[Walk]
) -> None:
    """It may have left something where the walk had been already."""
    build(tracer)
    came: list[object] = []

    def pause() -> None:
        if not came:
            came.append(build(tracer))
            tracer.handle_recorded()

    tracer.walker.run(pause)
    assert len(walks) == 1
    assert tracer.walker.is_due


def test_a_walk_keeps_nothing_alive(tracer: runtime.Tracer) -> None:
    """What is let go in a pause of it, or after it, dies at once."""
    with uncollected():
        SHELF.append(build(tracer))
        gone = weakref.ref(SHELF[0])
        alive: list[bool] = []

        def pause() -> None:
            SHELF.clear()
            alive.append(gone() is not None)

        tracer.walker.run(pause)
        assert alive
        assert not any(alive[1:])
        SHELF.append(build(tracer))
        gone = weakref.ref(SHELF[0])
        tracer.walker.run()
        SHELF.clear()
        assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_child_that_is_forked_during_a_walk_can_walk(tracer: runtime.Tracer) -> None:
    """The walk under way is its parent's."""
    SHELF.append(build(tracer))
    status: list[int] = []

    def pause() -> None:
        if not status:
            status.append(_in_child(tracer))

    tracer.walker.run(pause)
    assert status == [0]
    assert not tracer.walker.is_due


def _in_child(tracer: runtime.Tracer) -> int:
    """Forks; the child serves a request and walks. Returns how it ended."""
    pid = os.fork()
    if not pid:
        try:
            SHELF.append(build(tracer))
            tracer.handle_recorded()
            due = tracer.walker.is_due
            tracer.walker.run()
            os._exit(0 if due and not tracer.walker.is_due else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
