"""The counts of a process: its objects by class, and what became of those that are forgotten."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tracer.model.facts import Birth
from tracer.model.objects import ClassCounts, TrackedObject

NAMES: Final = 2000
"""Names of objects of which the scopes of forgotten objects are remembered."""


class Ledger:
    """Counts for each class, and for each name the scopes of the objects that are forgotten."""

    def __init__(self) -> None:
        self.classes: dict[tuple[str, str], ClassCounts] = {}
        """(kind, class) to its counts."""
        self.earlier: dict[tuple[str, str], Counter[str]] = {}
        """(kind, name) to the scopes of forgotten objects of that name."""

    def counts_of(self, birth: Birth, built_in: int | None) -> ClassCounts:
        """Returns the counts for the class of a birth; makes them at its first birth."""
        key = birth.kind, birth.cls
        if key not in self.classes:
            self.classes[key] = ClassCounts(birth, built_in)
        return self.classes[key]

    def forget(self, known: TrackedObject, verdict: str) -> None:
        """Counts an object that will be forgotten, with the scope decided for it."""
        known.counts.scopes[verdict] += 1
        if known.freed:
            known.counts.freed[known.freed] += 1
        self.earlier.setdefault((known.birth.kind, known.name), Counter())[verdict] += 1
        while len(self.earlier) > NAMES:
            del self.earlier[next(iter(self.earlier))]
