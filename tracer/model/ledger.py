"""The counts of a process: its objects by class, and what became of those that are forgotten."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tracer.model import scope
from tracer.model.assemble import birth_in, name_of
from tracer.model.facts import Birth
from tracer.model.objects import ClassCounts, TrackedObject
from tracer.model.recorded import Kind, RecordedRequest, RecordedRequests

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

    def built(self, several: RecordedRequests, count: int) -> set[ClassCounts]:
        """Counts what so many requests built that built the same; returns the counts of its
        classes."""
        for place, (kind, cls, *_) in enumerate(several.kinds):
            counts = self.classes.get((kind, cls))
            if counts is None:
                first = RecordedRequest(several, 0)
                counts = self.counts_of(birth_in(first, place), first.number)
            counts.built += count
        return self.classes_of(several)

    def classes_of(self, several: RecordedRequests) -> set[ClassCounts]:
        """Returns the counts of the classes of which requests built objects."""
        return {self.classes[kind[:2]] for kind in several.kinds}

    def leave(self, what: Kind, freed: str, count: int) -> None:
        """Counts objects that will be forgotten by how they were freed; all lived for a request."""
        if not count:
            return
        counts = self.classes[what[:2]]
        counts.freed[freed] += count
        self._count(counts, name_of(what), scope.REQUEST, count)

    def forget(self, known: TrackedObject, verdict: str) -> None:
        """Counts an object that will be forgotten, with the scope decided for it."""
        if known.freed:
            known.counts.freed[known.freed] += 1
        self._count(known.counts, known.name, verdict, 1)

    def _count(self, counts: ClassCounts, name: str, verdict: str, count: int) -> None:
        counts.scopes[verdict] += count
        scopes = self.earlier.get((counts.kind, name))
        if scopes is None:
            scopes = self.earlier[counts.kind, name] = Counter()
            if len(self.earlier) > NAMES:
                del self.earlier[next(iter(self.earlier))]
        scopes[verdict] += count
