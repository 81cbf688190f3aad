"""Attributes requests, and the objects that they leave behind, to the tests of a run.

Nothing is looked for while tests run: Django's test client, for one, holds on to requests and
responses, and that is the test's own affair. When the last test is over, a full collection and a
walk tell what is still there.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tracer import runtime
from tracer.conf import Config, accepted
from tracer.model import Fact, History, Lifetime
from tracer.model import scope as scopes
from tracer.model.known import KnownFindings
from tracer.model.recorded import RecordedRequests
from tracer.pytest_plugin.report import Findings, Left
from tracer.runtime import shutdown
from tracer.runtime.batch import Batch

REMEMBERED = 64
"""Requests of a run that are remembered one by one."""
MACHINERY = ("_pytest", "pytest", "pluggy", "unittest", "xdist", "execnet")
FROM_TESTS = ("sys.last_", *(f"{each}{name}." for each in ("", "<running ") for name in MACHINERY))
"""Where paths begin that lead through the tests' own machinery."""
THROUGH_TESTS = ("._fixtureinfo.", ".cached_result", ".__loader__.session.")
"""What such paths pass, wherever they begin."""


@dataclass
class RunningTest:
    """One test."""

    name: str
    begun: int
    requests: int = 0


class Attribution:
    """Follows a run, one test after the other. Only requests may be served on several threads."""

    name = "the test run"

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """`known`: accepted findings besides those of the settings."""
        running = runtime.running()
        self.is_own = running is None
        """Whether this run started the tracer."""
        self.tracer = running or runtime.start(Config(enabled=True, console=False))
        self.findings = Findings(started=True)
        entries = {**accepted(settings), **(known or {})}
        self.history = History(REMEMBERED, KnownFindings(entries))
        self.history.log.about = self.tracer.introduction.identity.about()
        self.newest: deque[RunningTest] = deque(maxlen=8)
        self.tests: dict[int, str] = {}
        """Number of a request to the name of its test."""
        with self.tracer.lock:
            self.tracer.pipeline.subscriptions.append(self)

    def take(self, batch: Batch) -> None:
        """Takes what the tracer recorded."""
        for fact in batch.facts(self.tracer.backlog.masking):
            self._take(fact)

    def _take(self, fact: Fact) -> None:
        self.history.feed(fact)
        for number, begun in _requests(fact):
            test = next((each for each in reversed(self.newest) if each.begun <= begun), None)
            if test is not None:
                self.tests[number] = test.name
                self.findings.asking += not test.requests
                test.requests += 1
                request = self.history.request(number)
                if request is not None:
                    self.findings.served(request)

    def begin(self, name: str) -> None:
        """Begins a test that is about to be set up."""
        self.tracer.gather()
        with self.tracer.lock:
            self.newest.append(RunningTest(name, self.tracer.recorder.clock()))

    def end(self) -> None:
        """Ends the newest test, whose fixtures are torn down."""
        self.findings.tests += 1
        self.tracer.gather()
        test = self.newest[-1]
        if any(
            trace.begun >= test.begun for trace in list(self.tracer.recorder.in_flight.values())
        ):
            self.findings.unsure.append(test.name)

    def finish(self, test_classes: Iterable[str] = ()) -> Findings:
        """Ends the run and returns the findings; `test_classes` are dotted paths of the tests'."""
        if self.is_own:
            # A response that nobody closed, and no request came after it.
            shutdown.land(self.tracer)
        began = time.perf_counter()
        hook = sys.unraisablehook
        # An object that complains as it dies does so now because of this collection: that must not
        # be laid at the door of the test that came last.
        sys.unraisablehook = _ignore
        try:
            for _ in range(2):
                # Twice, for what frees itself in two steps is not held by anything.
                self.tracer.installation.collections.collect()
            self.tracer.walker.run()
        finally:
            sys.unraisablehook = hook
        self.findings.looking = time.perf_counter() - began
        with self.tracer.lock:
            self.tracer.pipeline.unsubscribe(self)
            self._judge(test_classes)
        if self.is_own and runtime.running() is self.tracer:
            runtime.stop(settle=False)
        return self.findings

    def _judge(self, test_classes: Iterable[str]) -> None:
        """Adds to the findings what requests left behind as a rule."""
        known = self.history.known
        mine = (*FROM_TESTS, *(f"{name}." for name in test_classes))
        for life in self.history.snapshot().lifetimes:
            if life.scope != scopes.KEPT or life.died_at is not None:
                continue
            if life.known:
                self.findings.accepted += 1
            elif _is_tests_own(life, mine):
                # A fixture of wider scope, a test class, the traceback of a failure.
                self.findings.held_by_tests += 1
            else:
                test = self.tests.get(life.built_in or 0, "outside any test")
                self.findings.left.append(Left(test, life.name, life.cls, life.held_by, life.spot))
        unmet = known.not_met
        self.findings.met += [spot for spot in known.entries if spot not in unmet]


def _is_tests_own(life: Lifetime, mine: tuple[str, ...]) -> bool:
    path = life.held_by or ""
    return path.startswith(mine) or any(part in path for part in THROUGH_TESTS)


def _ignore(_unraisable: Any) -> None:
    """Stands in for `sys.unraisablehook`."""


def _requests(fact: Fact) -> list[tuple[int, int]]:
    """Returns number and begin of each request that a fact tells of."""
    if not isinstance(fact, RecordedRequests):
        return []
    return [*zip(fact.numbers, fact.begun, strict=True)]
