"""The intake: what can only be said of requests that are over waits for them, and comes last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tracer.model import Barrier, EndedWithThread, Fact, Replaced
from tracer.model.masking import Masking
from tracer.model.privacy import Privacy
from tracer.probes.constructors import birth_recorder
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import Trace, current
from tracer.runtime.intake import Intake


class Thing:
    """Dies with its last reference."""


class Other:
    """Another class."""


@pytest.fixture
def recorder() -> Recorder:
    """A recorder that keeps what it records."""
    return Recorder()


@pytest.fixture
def intake(recorder: Recorder) -> Intake:
    """What takes it."""
    masking = Masking(Privacy(False, False, recorder.classes.names.__getitem__))
    return Intake(recorder, masking, lambda _: 0)


@contextmanager
def served(recorder: Recorder) -> Iterator[Trace]:
    """Serves one request."""
    trace = recorder.begin(("GET", "", "/", ""))
    token = current.set(trace)
    try:
        yield trace
    finally:
        current.reset(token)
        recorder.finish(trace)


def build(recorder: Recorder, thing: object) -> object:
    """Notes that an object was built."""
    birth_recorder(recorder, "thing")(thing)
    return thing


def after(intake: Intake) -> list[Fact]:
    """Returns what the next batch says once its requests are known."""
    return intake.take().after


def test_an_object_is_replaced_by_a_request_that_lets_it_go_and_builds_another(
    recorder: Recorder, intake: Intake
) -> None:
    """In whichever order it does both."""
    for _ in range(2):
        with served(recorder) as first:
            slot = [build(recorder, Thing())]
        with served(recorder):
            slot[0] = build(recorder, Thing())
        with served(recorder):
            slot.clear()
            slot.append(build(recorder, Thing()))
        tokens = first.births[1], first.births[1] + 2
        slot.clear()
        assert after(intake) == [Replaced(tokens)]


def test_an_object_is_not_replaced_if_the_request_builds_none_of_its_class(
    recorder: Recorder, intake: Intake
) -> None:
    """It clears the place, or puts something else there."""
    with served(recorder):
        slot = [build(recorder, Thing()), build(recorder, Thing())]
    with served(recorder):
        slot.pop()
    with served(recorder):
        slot[0] = build(recorder, Other())
    assert after(intake) == []
    assert not recorder.weakrefs.untimely.let_go


def test_it_is_said_when_the_request_is_over_that_replaced_it(
    recorder: Recorder, intake: Intake
) -> None:
    """Until then it is not known what that request builds."""
    with served(recorder) as first:
        slot = [build(recorder, Thing())]
    with served(recorder):
        slot.clear()
        assert after(intake) == []
        slot.append(build(recorder, Thing()))
        assert after(intake) == []
    assert after(intake) == [Replaced((first.births[1],))]
    assert after(intake) == []


def test_what_a_thread_held_and_let_go_as_it_ended_is_one_fact_for_each_thread(
    recorder: Recorder, intake: Intake
) -> None:
    """A thread that held nothing is not spoken of."""
    recorder.stored_at_end.update({7: [1, 2], 8: [], 9: [4]})
    recorder.weakrefs.untimely.with_thread.extend([(3, 7), (5, 10)])
    assert after(intake) == [
        EndedWithThread(7, (1, 2, 3)),
        EndedWithThread(9, (4,)),
        EndedWithThread(10, (5,)),
    ]
    assert after(intake) == []


def test_a_collection_comes_after_all_that_was_before_it(
    recorder: Recorder, intake: Intake
) -> None:
    """What was replaced, then what ended with threads, then the collections."""
    with served(recorder) as first:
        slot = [build(recorder, Thing())]
    with served(recorder):
        slot[0] = build(recorder, Thing())
    recorder.stored_at_end[7] = [1]
    recorder.barriers.append((20, "collector", 10))
    assert after(intake) == [
        Replaced((first.births[1],)),
        EndedWithThread(7, (1,)),
        Barrier(20, "collector", 10),
    ]
