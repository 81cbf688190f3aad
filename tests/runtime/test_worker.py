"""The worker thread: when it walks, how much of a processor that takes, whom it answers.

Its loop runs here in the test's own thread, with a clock that only its waits advance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.runtime.worker_loop import Process
from tests.support.client import environ, serve
from tests.support.waiting import until
from tracer import runtime
from tracer.conf import Config
from tracer.runtime import walk_schedule
from tracer.runtime.walk_schedule import EARLY, LATE, SHARE
from tracer.runtime.worker import ANSWER_INTERVAL, IDLE_POLLS, POLL_INTERVAL

INEXACT = 1e-6
"""Seconds by which sums of intervals may be off."""


@pytest.mark.parametrize("quiet", [0.5, 1.0, 2.0])
def test_it_walks_once_when_no_request_has_finished_for_a_while(
    monkeypatch: pytest.MonkeyPatch, quiet: float
) -> None:
    """Not again before there was another request."""
    process = Process(monkeypatch, quiet)
    process.request()
    process.run(60)
    (at,) = process.walker.at
    (handled,) = process.handled
    assert quiet - INEXACT <= at - handled <= quiet + 3 * POLL_INTERVAL


def test_each_request_puts_the_walk_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another comes a second later; the quiet begins with that."""
    process = Process(monkeypatch)
    process.request()
    last = [process.clock.now]

    def step() -> None:
        if process.clock.now - last[0] >= 1 and process.clock.now < 102:
            last[0] = process.clock.now
            process.request()

    process.run(60, step)
    (at,) = process.walker.at
    assert last[0] > 101
    assert 2.0 - INEXACT <= at - last[0] <= 2.0 + 4 * POLL_INTERVAL


@pytest.mark.parametrize("quiet", [0.5, 2.0])
def test_where_requests_never_cease_it_walks_all_the_same(
    monkeypatch: pytest.MonkeyPatch, quiet: float
) -> None:
    """Early at first, then more and more seldom, up to a limit."""
    process = Process(monkeypatch, quiet)
    waits = waits_between_walks(process, 75 * quiet)
    often = [each / quiet for each in waits]
    assert often == pytest.approx([2, 4, 8, 16, 20, 20], abs=3 * POLL_INTERVAL / quiet)
    assert (EARLY, LATE) == (2, 20)


def test_where_another_walk_would_tell_more_it_walks_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As often as after quiet moments, whether or not requests cease."""
    process = Process(monkeypatch)
    process.walker.is_urgent = True
    waits = waits_between_walks(process, 21.0)
    assert len(waits) == 10
    assert waits == pytest.approx([2.0] * 10, abs=3 * POLL_INTERVAL)


def waits_between_walks(process: Process, seconds: float) -> list[float]:
    """Serves without a pause; returns the seconds from each walk to the next."""
    begun = process.clock.now
    process.run(seconds, process.request)
    return [after - before for before, after in pairwise([begun, *process.walker.at])]


@pytest.mark.parametrize("quiet", [None, 2.0])
def test_without_a_setting_or_a_request_it_never_walks(
    monkeypatch: pytest.MonkeyPatch, quiet: float | None
) -> None:
    """A walk is for what requests left."""
    process = Process(monkeypatch, quiet)
    process.walker.is_due = quiet is None
    process.run(600)
    assert process.walker.at == []


def test_a_walk_takes_no_more_than_its_share_of_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of its pauses lasts nineteen times what it took since the last one."""
    process = Process(monkeypatch)
    took = [0.0003, 0.002, 0.0005]
    pauses: list[float] = []

    def inside(pause: Callable[[], object], _: object) -> None:
        for each in took:
            process.clock.worked += each
            before = process.clock.now
            pause()
            pauses.append(process.clock.now - before)

    process.walker.inside = inside
    process.request()
    process.run(3)
    assert pauses == pytest.approx([each * 19 for each in took])
    assert sum(took) / (sum(took) + sum(pauses)) == pytest.approx(SHARE)
    assert SHARE == 0.05


def test_requests_that_finish_during_a_walk_are_handled_in_its_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That takes its own time, and none of the walk's share."""
    process = Process(monkeypatch)
    during: list[int] = []
    work = process.work

    def slow(draw: bool = True, patient: bool = False) -> int:
        process.clock.worked += 7.0
        return work(draw, patient)

    def inside(pause: Callable[[], object], _: object) -> None:
        process.request()
        process.wakeup.is_rung = False
        before = len(process.handled)
        process.worker.work = slow
        pause()
        during.append(len(process.handled) - before)
        process.worker.work = work
        process.clock.worked += 0.001
        pause()

    process.walker.inside = inside
    process.request()
    process.run(3)
    assert during[0] == 1
    assert any(wait == pytest.approx(0.019) for wait in process.wakeup.waits)
    assert max(process.wakeup.waits) < 1


@pytest.mark.parametrize("why", ["ending", "forking"])
def test_a_walk_is_given_up_when_the_thread_has_to_end(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """The process ends, or forks: neither waits for it."""
    process = Process(monkeypatch)
    asked: list[bool] = []

    def inside(_: object, give_up: Callable[[], bool]) -> None:
        asked.append(give_up())
        if why == "ending":
            process.worker.ending.set()
        else:
            process.worker.forking = True
        asked.append(give_up())

    process.walker.inside = inside
    process.request()
    process.run(60)
    assert asked == [False, True]
    assert process.clock.now < 110


def test_a_walk_that_fails_is_one_line_and_the_thread_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again after a later request."""
    process = Process(monkeypatch)

    def inside(*_: object) -> None:
        raise MemoryError

    def step() -> None:
        if len(process.handled) == 1 and process.clock.now > 130:
            process.request()

    process.walker.inside = inside
    process.request()
    with caplog.at_level(logging.WARNING, logger="tracer"):
        process.run(60, step)
    assert len(process.handled) == 2
    assert len(process.walker.at) >= 2
    assert len(caplog.records) == 1
    assert "a fault of its own in the walk (MemoryError" in caplog.text


def test_whoever_asks_to_settle_is_answered_while_the_thread_polls_and_while_it_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Within half a second."""
    answered: list[float] = []
    asked = [100.5, 150.0, 151.0]

    def answer() -> None:
        if asked and process.clock.now >= asked[0]:
            del asked[0]
            answered.append(process.clock.now)

    process = Process(monkeypatch, answer=answer)
    process.request()
    process.run(60)
    assert answered == pytest.approx([100.5, 150.0, 151.0], abs=ANSWER_INTERVAL + POLL_INTERVAL)


def test_where_nobody_can_ask_it_sleeps_without_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished request wakes it."""
    process = Process(monkeypatch, answer=None)

    def step() -> None:
        if process.wakeup.waits[-1] == -1:
            process.worker.end()

    process.request()
    process.run(600, step)
    assert process.wakeup.waits.count(-1) == 1
    assert len(process.wakeup.waits) <= IDLE_POLLS + 3


@pytest.mark.django_db
def test_a_process_that_serves_walks_by_itself(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real worker thread, some time after its last request; no collection is forced."""
    # Without pauses: how long a walk takes depends on all that other tests have left.
    monkeypatch.setattr(walk_schedule, "SHARE", 1.0)
    settings.ROOT_URLCONF = "tests.promises.site"
    config = Config(enabled=True, console=False, journal=tmp_path / "traces", walk=0.1)
    tracer = runtime.start(config)
    try:
        serve(WSGIHandler(), environ("/plain/"))
        until(lambda: tracer.walker.upto)
        until(lambda: tracer.process().walks, patience=60)
        assert all(each.by == "collector" for each in tracer.snapshot().barriers)
    finally:
        runtime.stop(settle=False)
