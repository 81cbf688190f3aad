"""The worker's loop, run in the test's own thread with a clock that only its waits advance."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tracer.recorder.recorder import Recorder
from tracer.runtime import walk_schedule
from tracer.runtime.walk_schedule import WalkSchedule
from tracer.runtime.worker import WorkerThread


class Clock:
    """Time passes only while the worker waits, or as a test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.worked = 0.0

    def monotonic(self) -> float:
        """Returns the seconds of the wall clock."""
        return self.now

    def thread_time(self) -> float:
        """Returns the seconds of processor time that the thread has taken."""
        return self.worked


class Wakeup:
    """Stands for the worker's lock; each wait takes one step of the test's."""

    def __init__(self, clock: Clock, step: Callable[[], object]) -> None:
        self.clock, self.step = clock, step
        self.waits: list[float] = []
        self.is_rung = False

    def acquire(self, timeout: float = -1) -> bool:
        """Lets the given time pass, then takes a step; returns whether the step released it."""
        self.waits.append(timeout)
        self.clock.now += max(0.0, timeout)
        self.step()
        rung, self.is_rung = self.is_rung, False
        assert rung or timeout >= 0, "it would sleep for ever"
        return rung

    def release(self) -> None:
        """Ends the wait."""
        self.is_rung = True


class Walker:
    """Stands for the walker; notes when it walks. Due until a walk has ended well."""

    def __init__(self, clock: Clock, recorder: Recorder) -> None:
        self.clock = clock
        self.recorder = recorder
        self.is_due = False
        self.is_urgent = False
        self.at: list[float] = []
        self.inside: Callable[..., object] = lambda pause, give_up: None

    def skip(self) -> None:
        """Waits for another request."""
        self.is_due = False

    def run(self, pause: Callable[[], object], give_up: Callable[[], bool]) -> None:
        """Walks."""
        self.at.append(self.clock.now)
        self.inside(pause, give_up)
        self.is_due = False


class Process:
    """A worker and what surrounds it. `step` is called in each of its waits."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, quiet: float | None = 2.0, **more: Any
    ) -> None:
        self.clock = Clock()
        monkeypatch.setattr(walk_schedule, "time", self.clock)
        self.recorder = Recorder()
        self.walker = Walker(self.clock, self.recorder)
        self.handled: list[float] = []
        self.step: Callable[[], object] = lambda: None
        walks = None
        if quiet is not None:
            walks = WalkSchedule(self.walker, quiet, self.clock.monotonic)  # type: ignore[arg-type]
        more.setdefault("answer", lambda: None)
        self.worker = WorkerThread(self.recorder, self.work, True, walks, **more)
        self.wakeup = Wakeup(self.clock, lambda: self.step())
        self.worker.wakeup = self.wakeup  # type: ignore[assignment]

    def work(self, draw: bool = True, patient: bool = False) -> int:
        """Handles what was recorded."""
        count = len(self.recorder.finished)
        self.recorder.finished.clear()
        if count:
            self.handled.append(self.clock.now)
        return count

    def request(self) -> None:
        """A request finishes."""
        self.recorder.finished.append(SimpleNamespace())  # type: ignore[arg-type]
        self.walker.is_due = True
        self.wakeup.is_rung = True

    def run(self, seconds: float, step: Callable[[], object] = lambda: None) -> None:
        """Runs the worker's loop for so long."""
        end = self.clock.now + seconds

        def each() -> None:
            step()
            if self.clock.now >= end:
                self.worker.end()

        self.step = each
        self.worker._run()
