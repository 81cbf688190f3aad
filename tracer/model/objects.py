"""What a history remembers: of each object while it matters, of each class for good."""

from __future__ import annotations

from collections import Counter

from tracer.model.facts import Birth, Died


class TrackedObject:
    """Everything recorded of one object."""

    __slots__ = (
        "birth",
        "built_in",
        "closed",
        "counts",
        "death",
        "first",
        "freed",
        "freed_in",
        "held_by",
        "last",
        "name",
        "requests",
        "served_without",
        "survived",
        "threads",
    )

    def __init__(
        self,
        birth: Birth,
        built_in: int | None,
        closed: int,
        counts: ClassCounts,
        served_without: int,
    ) -> None:
        """Notes a birth in request `built_in`, which closed at `closed`.

        `served_without`: how many requests had been served without its birth thread until then.
        """
        self.birth = birth
        self.built_in = built_in
        self.closed = closed
        self.counts = counts
        self.served_without = served_without
        self.name = birth.name
        self.death: Died | None = None
        self.freed: str | None = None
        """How it was freed, see `tracer.model.process.Lifetime.freed`."""
        self.freed_in = 0
        """Number of the newest request that had begun when it died."""
        self.held_by: str | None = None
        self.first: int | None = None
        self.last: int | None = None
        self.requests = 0
        """How many requests used it, `first` and `last` among them."""
        self.survived = False
        self.threads: set[int] = set()
        """Threads on which requests used it."""

    def used_by(self, number: int) -> None:
        """Counts a request that used it, also for its class."""
        self.requests += 1
        self.first = number if self.first is None else min(self.first, number)
        self.last = number if self.last is None else max(self.last, number)
        self.counts.used_by(number)

    def used_by_several(self, count: int, last: int) -> None:
        """Counts `count` requests that used it, the newest of them `last`; not for its class."""
        self.requests += count
        self.first = self.first or last
        self.last = max(self.last or 0, last)


class ClassCounts:
    """Counts of one class's objects. Those of forgotten objects stay in `scopes` and `freed`."""

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
        """Request in which the first of them was built."""
        self.built = 0
        self.requests = 0
        """Requests that used any of them."""
        self.last_used = 0
        """Number of the newest of these requests."""
        self.scopes: Counter[str] = Counter()
        self.freed: Counter[str] = Counter()

    def used_by(self, number: int) -> None:
        """Counts a request that used objects of this class, once however many it used."""
        if self.last_used != number:
            self.last_used = number
            self.requests += 1

    def used_by_several(self, count: int, last: int) -> None:
        """Counts `count` requests that used objects of this class, the newest of them `last`."""
        self.requests += count
        self.last_used = max(self.last_used, last)
