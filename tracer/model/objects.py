"""What a history remembers: of an object while it matters, of a class for good."""

from __future__ import annotations

from collections import Counter

from tracer.model.facts import Birth, Died


class Individual:
    """Everything recorded of one object."""

    __slots__ = (
        "apart",
        "birth",
        "built_in",
        "closed",
        "death",
        "first",
        "freed",
        "freed_in",
        "held_by",
        "last",
        "name",
        "requests",
        "row",
        "survived",
        "threads",
    )

    def __init__(self, birth: Birth, built_in: int | None, closed: int, row: Row) -> None:
        self.birth = birth
        self.row = row
        self.name = birth.name
        self.built_in = built_in
        self.closed = closed
        self.death: Died | None = None
        self.freed: str | None = None
        self.freed_in = 0
        self.held_by: str | None = None
        self.first: int | None = None
        self.last: int | None = None
        self.requests = 0
        self.survived = False
        self.apart = 0
        """Requests that had been served without its birth thread when it was born."""
        self.threads: set[int] = set()

    def tallied(self, count: int, last: int) -> None:
        """So many requests used it, the newest of them being `last`."""
        self.requests += count
        self.first = self.first or last
        self.last = max(self.last or 0, last)

    def used_by(self, number: int) -> None:
        """A request used it."""
        self.requests += 1
        self.first = number if self.first is None else min(self.first, number)
        self.last = number if self.last is None else max(self.last, number)
        self.row.used_by(number)


class Row:
    """Counts for one class; what remains of objects whose records were dropped."""

    __slots__ = (
        "built",
        "cls",
        "first",
        "freed",
        "kind",
        "last_used",
        "name",
        "phase",
        "requests",
        "scopes",
    )

    def __init__(self, birth: Birth, built_in: int | None) -> None:
        self.kind = birth.kind
        self.cls = birth.cls
        self.name = birth.cls.rpartition(".")[2]
        self.phase = birth.phase
        self.first = built_in
        self.built = 0
        self.requests = 0
        self.last_used = 0
        self.scopes: Counter[str] = Counter()
        self.freed: Counter[str] = Counter()

    def used_by(self, number: int) -> None:
        """A request used one of them; however many it used, it counts once."""
        if self.last_used != number:
            self.last_used = number
            self.requests += 1
