"""Attributes requests, and the objects that outlive them, to the tests of a run.

Nothing is searched for while a test or its fixtures run: Django's test client, for one, holds on to
requests and responses, and that is the test's own affair until it has been torn down.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from tracer import runtime
from tracer.conf import Config
from tracer.model import Fact, Lifetime, Request
from tracer.model.retention import Evidence, kept_or_cached
from tracer.probes.garbage_collector import OLDEST_GENERATION
from tracer.pytest_plugin.report import Findings
from tracer.pytest_plugin.suspects import RunningTest, Suspects
from tracer.runtime import shutdown
from tracer.runtime.batch import Batch
from tracer.runtime.subscription import facts_of

YOUNG = 1
"""The generations of the collector that hold young objects."""


class Attribution:
    """Follows a run, one test after the other. Only requests may be served on several threads."""

    name = "the test run"

    def __init__(self) -> None:
        running = runtime.running()
        self.is_own = running is None
        """Whether this run started the tracer."""
        self.tracer = running or runtime.start(Config(enabled=True, console=False))
        self.findings = Findings(started=True)
        self.evidence = Evidence()
        self.suspects = Suspects(self.tracer, self.findings, self.evidence)
        self.newest: deque[RunningTest] = deque(maxlen=8)
        with self.tracer.lock:
            self.tracer.pipeline.subscriptions.append(self)

    def take(self, batch: Batch) -> None:
        """Takes what the tracer recorded."""
        for fact in facts_of(batch, self.tracer.backlog.assembly, batch.standing):
            self._take(fact)

    def _take(self, fact: Fact) -> None:
        if not isinstance(fact, Request):
            if self.newest:
                self.newest[-1].history.feed(fact)
            return
        test = next((each for each in reversed(self.newest) if each.begun <= fact.begun), None)
        self.suspects.used([token for token, _ in fact.seen], test)
        if test is not None:
            self.findings.asking += not test.requests
            test.requests += 1
            test.history.feed(fact)
            self.findings.served(fact)

    def begin(self, name: str) -> None:
        """Begins a test that is about to be set up."""
        self.tracer.gather()
        test = RunningTest(name, self.tracer.recorder.clock())
        test.history.about = self.tracer.introduction.identity.about()
        with self.tracer.lock:
            self.newest.append(test)

    def end(self) -> None:
        """Ends the newest test, whose fixtures are torn down."""
        self.findings.tests += 1
        self.tracer.gather()
        test = self.newest[-1]
        if not test.requests:
            in_flight = list(self.tracer.recorder.in_flight.values())
            if any(trace.begun >= test.begun for trace in in_flight):
                self._cannot_tell(test)
            return
        # Most of what waits is young, and a young collection takes a fiftieth of a full one.
        self._collect(YOUNG)
        kept: list[Lifetime] = []
        for _ in range(2):
            # Twice, for what frees itself in two steps is not held by anything.
            if self._learn(test):
                self._collect()
                kept = self._kept(test)
        self.suspects.add(test, kept)

    def _learn(self, test: RunningTest) -> bool:
        """Notes how objects have lived; returns whether any is alive that should not be."""
        with self.tracer.lock:
            process = test.history.snapshot()
        self.evidence.add(process)
        return any(
            life.built_in is not None
            and life.died_at is None
            and life.mortal
            and not life.resource
            and not self.evidence.is_reused(life.cls)
            for life in process.lifetimes
        )

    def _collect(self, generation: int = OLDEST_GENERATION) -> None:
        began = time.perf_counter()
        hook = sys.unraisablehook
        # An object that complains as it dies does so now because of this collection: that must not
        # be laid at the door of the test that happens to come next.
        sys.unraisablehook = _ignore
        try:
            self.tracer.installation.collections.collect(generation)
        finally:
            sys.unraisablehook = hook
        self.tracer.gather()
        self.findings.collections += generation == OLDEST_GENERATION
        self.findings.collecting += time.perf_counter() - began

    def _kept(self, test: RunningTest) -> list[Lifetime]:
        with self.tracer.lock:
            barriers = test.history.barriers
            if not barriers or barriers[-1].by != "tracer":
                self._cannot_tell(test)
                return []
            return kept_or_cached(test.history.snapshot())

    def _cannot_tell(self, test: RunningTest) -> None:
        if test.name not in self.findings.unsure:
            self.findings.unsure.append(test.name)

    def finish(self, test_classes: Iterable[str] = ()) -> Findings:
        """Ends the run and returns the findings; `test_classes` are dotted paths of the tests'."""
        if self.is_own:
            # A response that nobody closed, and no request came after it.
            shutdown.land(self.tracer)
        self.tracer.gather()
        with self.tracer.lock:
            self.tracer.pipeline.unsubscribe(self)
        if self.suspects.some_are_unexplained:
            self._collect()
        self.suspects.judge(test_classes)
        if self.is_own and runtime.running() is self.tracer:
            runtime.stop(settle=False)
        return self.findings


def _ignore(_unraisable: Any) -> None:
    """Stands in for `sys.unraisablehook`."""
