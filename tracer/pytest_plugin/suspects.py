"""Objects that were alive when their test was over, and the verdict on each at the run's end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tracer import runtime
from tracer.model import History, Lifetime
from tracer.model import scope as scopes
from tracer.model.retention import Evidence, built_by_import, is_cached
from tracer.pytest_plugin.report import Findings, Left

MOST_SOUGHT = 40
"""Objects of one test whose holders are searched for."""
MOST_OF_A_CLASS = 3
"""Of these, objects of one class."""
SEARCH_SECONDS = 5.0
"""The longest search after one test: no request waits for it, and heaps are large."""
ALL_SEARCHES_SECONDS = 60.0
"""The longest that a run searches for holders; afterwards they stay unknown."""
MOST_SUSPECTS = 5_000
"""Objects remembered as left behind; more are not looked at."""
MACHINERY = ("_pytest", "pytest", "pluggy", "unittest", "xdist", "execnet")
FROM_TESTS = ("sys.last_", *(f"{each}{name}." for each in ("", "<running ") for name in MACHINERY))
"""Where paths begin that lead through the tests' own machinery."""
THROUGH_TESTS = ("._fixtureinfo.", ".cached_result", ".__loader__.session.")
"""What such paths pass, wherever they begin."""


@dataclass
class RunningTest:
    """One test, and what was recorded while it ran."""

    name: str
    begun: int
    history: History = field(default_factory=History)
    requests: int = 0


@dataclass
class Suspect:
    """An object that was kept when its test was over. Whether by mistake is seen later."""

    test: RunningTest
    life: Lifetime
    peer: Suspect | None = None
    """Another of its class from the same test, whose holder was searched for in its stead."""


class Suspects:
    """Collects suspects test by test, clears those that a later request uses, judges the rest."""

    def __init__(self, tracer: runtime.Tracer, findings: Findings, evidence: Evidence) -> None:
        self.tracer = tracer
        self.findings = findings
        self.evidence = evidence
        self.by_token: dict[int, Suspect] = {}

    def used(self, tokens: Iterable[int], test: RunningTest | None) -> None:
        """Clears objects that another test uses: built on first use, and not left behind."""
        for token in tokens:
            suspect = self.by_token.get(token)
            if suspect is not None and suspect.test is not test:
                scopes_seen = self.evidence.scopes.setdefault(suspect.life.cls, set())
                scopes_seen.add(scopes.PROCESS)
                del self.by_token[token]

    def add(self, test: RunningTest, kept: list[Lifetime]) -> None:
        """Adds what a test has kept, with its holders as far as they are found."""
        tokens = self._worth_a_search(kept)
        holders = self._holders(tokens)
        imports = {name: each.imports for name, each in test.history.requests.items()}
        peers: dict[str, Suspect] = {}
        for life in sorted(kept, key=lambda each: (each.id not in tokens, each.id)):
            if len(self.by_token) >= MOST_SUSPECTS:
                break
            held = replace(life, held_by=holders.get(life.id))
            if built_by_import(held, imports.get(life.built_in or 0, ())):
                continue
            peer = peers.get(life.cls) if life.id not in tokens else None
            self.by_token[life.id] = suspect = Suspect(test, held, peer)
            peers.setdefault(life.cls, suspect)

    def _worth_a_search(self, kept: Iterable[Lifetime]) -> list[int]:
        """Returns a few of each class that is not known to be cached."""
        sought: dict[str, list[int]] = {}
        for life in kept:
            if not is_cached(life, self.evidence):
                sought.setdefault(life.cls, []).append(life.id)
        few = [group[:MOST_OF_A_CLASS] for group in sought.values()]
        return [token for group in few for token in group][:MOST_SOUGHT]

    def _holders(self, tokens: list[int]) -> dict[int, str]:
        if not tokens or self.findings.searching > ALL_SEARCHES_SECONDS:
            return {}
        began = time.perf_counter()
        with self.tracer.lock:
            found = self.tracer.holder_search.holders_of(tokens, seconds=SEARCH_SECONDS)
        self.findings.searching += time.perf_counter() - began
        return found

    @property
    def some_are_unexplained(self) -> bool:
        """Whether there is an object whose holder is not known."""
        return any(suspect.life.held_by is None for suspect in self.by_token.values())

    def judge(self, test_classes: Iterable[str]) -> None:
        """Adds each suspect to the findings: cached, held by the tests themselves, or left."""
        mine = (*FROM_TESTS, *(f"{name}." for name in test_classes))
        for token, suspect in self.by_token.items():
            life = suspect.life
            path = (suspect.peer or suspect).life.held_by
            if is_cached(replace(life, held_by=path), self.evidence):
                self.findings.cached += 1
            elif self._is_tests_own(token, path, mine):
                # A fixture of wider scope, a test class, the traceback of a failure.
                self.findings.held_by_tests += 1
            else:
                left = Left(suspect.test.name, life.name, life.cls, life.held_by)
                self.findings.left.append(left)

    def _is_tests_own(self, token: int, path: str | None, mine: tuple[str, ...]) -> bool:
        if path is None:
            # Whatever held it, it is gone with the last of the tests.
            ref = self.tracer.recorder.weakrefs.refs.get(token)
            return ref is None or ref() is None
        return path.startswith(mine) or any(part in path for part in THROUGH_TESTS)
