"""A test run, one test after another: which requests are whose, and what a test left behind.

Nothing is looked for while a test or its fixtures run: a test client, for one, holds on to
requests and responses, and that is the test's own affair until it has been torn down.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tracer import runtime
from tracer.conf import Config
from tracer.model import Fact, History, Lifetime, Request
from tracer.model import scope as scopes
from tracer.model.retention import Evidence, built_by_import, is_cached, kept_or_cached
from tracer.probes.garbage_collector import FULL
from tracer.pytest_plugin.report import Findings, Left
from tracer.recorder.trace import Trace
from tracer.runtime.batch import Batch
from tracer.runtime.subscription import facts_of

YOUNG = 1
"""The generations that hold what is young."""
SOUGHT = 40
"""Objects of one test whose holders are looked for."""
FEW = 3
"""Of one class."""
SEARCH = 5.0
"""Seconds that the search after one test may take: no request waits for it, and heaps are large."""
PATIENCE = 60.0
"""Seconds that a run spends looking for holders; afterwards they stay unknown."""
MOST = 5_000
"""Objects remembered as left behind; more are not looked at."""
MACHINERY = ("_pytest", "pytest", "pluggy", "unittest", "xdist", "execnet")
WIDER = ("sys.last_", *(f"{each}{name}." for each in ("", "<running ") for name in MACHINERY))
"""Where paths begin that lead through the tests' own machinery."""
THROUGH = ("._fixtureinfo.", ".cached_result", ".__loader__.session.")
"""What such paths pass, wherever they begin."""


@dataclass
class Segment:
    """One test, and the requests that began while it ran."""

    test: str
    begun: int
    history: History = field(default_factory=History)
    requests: int = 0


@dataclass
class Suspect:
    """An object that was kept when its test was over; whether it was left behind is seen later."""

    segment: Segment
    life: Lifetime
    peer: Suspect | None = None
    """Another of its class from the same test, whose holder was looked for in its stead."""


class Segments:
    """Follows a run. Not for several threads at once; what it listens to may be."""

    name = "the test run"

    def __init__(self) -> None:
        running = runtime.running()
        self.own = running is None
        self.tracer = running or runtime.start(Config(enabled=True, console=False))
        self.findings = Findings(started=True)
        self.seen = Evidence()
        self.suspects: dict[int, Suspect] = {}
        self.newest: deque[Segment] = deque(maxlen=8)
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
        segment = next((each for each in reversed(self.newest) if each.begun <= fact.begun), None)
        for token, _ in fact.seen:
            suspect = self.suspects.get(token)
            if suspect is not None and suspect.segment is not segment:
                # Built on first use, as it turns out, and not left behind.
                self.seen.scopes.setdefault(suspect.life.cls, set()).add(scopes.PROCESS)
                del self.suspects[token]
        if segment is not None:
            self.findings.asking += not segment.requests
            segment.requests += 1
            segment.history.feed(fact)
            self.findings.served(fact)

    # -- one test ----------------------------------------------------------------------------

    def begin(self, test: str) -> None:
        """A test is about to be set up."""
        self.tracer.gather()
        segment = Segment(test, self.tracer.recorder.clock())
        segment.history.about = self.tracer.about()
        with self.tracer.lock:
            self.newest.append(segment)

    def end(self) -> None:
        """It is over, and its fixtures are torn down."""
        self.findings.tests += 1
        self.tracer.gather()
        segment = self.newest[-1]
        if not segment.requests:
            if any(trace.begun >= segment.begun for trace in self._flying()):
                self._cannot_tell(segment)
            return
        # Most of what waits is young, and a young collection takes a fiftieth of a full one.
        self._collect(YOUNG)
        kept: list[Lifetime] = []
        for _ in range(2):
            # Twice, for what frees itself in two steps is not held by anything.
            if self._learn(segment):
                self._collect()
                kept = self._kept(segment)
        self._suspect(segment, kept)

    def _learn(self, segment: Segment) -> bool:
        """Note how objects have lived; return whether any is alive that should not be."""
        with self.tracer.lock:
            process = segment.history.snapshot()
        self.seen.add(process)
        return any(
            life.built_in is not None
            and life.died_at is None
            and life.mortal
            and not life.resource
            and not self.seen.is_reused(life.cls)
            for life in process.lifetimes
        )

    def _collect(self, generation: int = FULL) -> None:
        began = time.perf_counter()
        hook = sys.unraisablehook
        # Whatever an object has to say when it goes, it goes now because of this collection, and
        # must not be laid at the door of the test that happens to come next.
        sys.unraisablehook = _unheard
        try:
            self.tracer.installation.collections.collect(generation)
        finally:
            sys.unraisablehook = hook
        self.tracer.gather()
        self.findings.collections += generation == FULL
        self.findings.collecting += time.perf_counter() - began

    def _kept(self, segment: Segment) -> list[Lifetime]:
        with self.tracer.lock:
            barriers = segment.history.barriers
            if not barriers or barriers[-1].by != "tracer":
                self._cannot_tell(segment)
                return []
            return kept_or_cached(segment.history.snapshot())

    def _flying(self) -> list[Trace]:
        return list(self.tracer.recorder.flying.values())

    def _cannot_tell(self, segment: Segment) -> None:
        if segment.test not in self.findings.unsure:
            self.findings.unsure.append(segment.test)

    def _suspect(self, segment: Segment, kept: list[Lifetime]) -> None:
        tokens = self._worth_a_search(kept)
        holders = self._holders(tokens)
        imports = {name: each.imports for name, each in segment.history.requests.items()}
        peers: dict[str, Suspect] = {}
        for life in sorted(kept, key=lambda each: (each.id not in tokens, each.id)):
            if len(self.suspects) >= MOST:
                break
            held = replace(life, held_by=holders.get(life.id))
            if built_by_import(held, imports.get(life.built_in or 0, ())):
                continue
            peer = peers.get(life.cls) if life.id not in tokens else None
            self.suspects[life.id] = suspect = Suspect(segment, held, peer)
            peers.setdefault(life.cls, suspect)

    def _worth_a_search(self, kept: Iterable[Lifetime]) -> list[int]:
        """A few of each class that is not known to be cached: of many resolvers, one is enough."""
        sought: dict[str, list[int]] = {}
        for life in kept:
            if not is_cached(life, self.seen):
                sought.setdefault(life.cls, []).append(life.id)
        few = [group[:FEW] for group in sought.values()]
        return [token for group in few for token in group][:SOUGHT]

    def _holders(self, tokens: list[int]) -> dict[int, str]:
        if not tokens or self.findings.searching > PATIENCE:
            return {}
        began = time.perf_counter()
        with self.tracer.lock:
            found = self.tracer.holder_search.holders_of(tokens, seconds=SEARCH)
        self.findings.searching += time.perf_counter() - began
        return found

    # -- the end -----------------------------------------------------------------------------

    def finish(self, test_classes: Iterable[str] = ()) -> Findings:
        """The run is over. Return what was found; `test_classes` are dotted paths of the tests'."""
        if self.own:
            # A response that nobody closed, and no request came after it.
            self.tracer.land()
        self.tracer.gather()
        with self.tracer.lock:
            self.tracer.pipeline.unsubscribe(self)
        if any(suspect.life.held_by is None for suspect in self.suspects.values()):
            self._collect()
        mine = (*WIDER, *(f"{name}." for name in test_classes))
        for token, suspect in self.suspects.items():
            self._judge(token, suspect, mine)
        if self.own and runtime.running() is self.tracer:
            runtime.stop(settle=False)
        return self.findings

    def _judge(self, token: int, suspect: Suspect, mine: tuple[str, ...]) -> None:
        life = suspect.life
        path = (suspect.peer or suspect).life.held_by
        if is_cached(replace(life, held_by=path), self.seen):
            self.findings.cached += 1
        elif self._is_tests_own(token, path, mine):
            # A fixture of wider scope, a test class, the traceback of a failure.
            self.findings.held_by_tests += 1
        else:
            left = Left(suspect.segment.test, life.name, life.cls, life.held_by)
            self.findings.left.append(left)

    def _is_tests_own(self, token: int, path: str | None, mine: tuple[str, ...]) -> bool:
        if path is None:
            # Whatever held it, it is gone with the last of the tests.
            return not self._lives(token)
        return path.startswith(mine) or any(part in path for part in THROUGH)

    def _lives(self, token: int) -> bool:
        ref = self.tracer.recorder.lives.refs.get(token)
        return ref is not None and ref() is not None


def _unheard(_unraisable: Any) -> None:
    """Stands in for `sys.unraisablehook`."""
