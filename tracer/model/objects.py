"""What a history remembers: of each object while it matters, of each class for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import replace
from typing import Final

from tracer.model.facts import Birth, Died, Held

FOLD: Final = 128
"""Each time an object was used on so many threads more, those that ended are dropped."""


class TrackedObject:
    """Everything recorded of one object."""

    __slots__ = (
        "birth",
        "built_in",
        "by_import",
        "closed",
        "counts",
        "death",
        "first",
        "freed_in",
        "held",
        "is_held",
        "last",
        "name",
        "outlived_by",
        "page",
        "replaced",
        "requests",
        "threads",
        "threads_ended",
        "with_thread",
    )

    def __init__(
        self,
        birth: Birth,
        built_in: int | None,
        closed: int,
        counts: ClassCounts,
        page: str = "",
    ) -> None:
        """Notes a birth in request `built_in` for `page`, which closed at `closed`."""
        self.birth = birth
        self.built_in = built_in
        self.closed = closed
        self.counts = counts
        self.page = page
        self.name = birth.name
        self.by_import = ""
        """The module whose code built it while it was imported; empty if none did."""
        self.death: Died | None = None
        self.freed_in = 0
        """Number of the newest request that had begun when it died."""
        self.outlived_by = 0
        """Requests that began after its own had closed and before it died."""
        self.held: Held | None = None
        """What the last walk found that found it held."""
        self.is_held = False
        """Whether the last walk of all found it held."""
        self.replaced = False
        """A later request let it go, and built another of its class."""
        self.with_thread = False
        """Its birth thread let it go as it ended, or had it in its storage then."""
        self.first: int | None = None
        self.last: int | None = None
        self.requests = 0
        """How many requests used it, `first` and `last` among them."""
        self.threads: set[int] = set()
        """Threads on which requests used it, without those counted in `threads_ended`."""
        self.threads_ended = 0

    @property
    def named_birth(self) -> Birth:
        """Its birth, with the best name that is known."""
        return replace(self.birth, name=self.name)

    @property
    def freed(self) -> str | None:
        """How it was freed, as `tracer.model.process.Lifetime.freed`."""
        died = self.death
        if died is None:
            return None
        if died.how == "closed":
            return "owner" if died.at > self.closed else "response"
        if died.how == "collector":
            return "collector"
        if self.with_thread:
            return "thread"
        in_time = self.built_in is not None and not self.outlived_by
        return "response" if in_time else "later"

    def used_by(self, count: int, first: int, last: int) -> None:
        """Counts requests that used it: how many, and the numbers of the first and the last."""
        self.requests += count
        if self.first is None or first < self.first:
            self.first = first
        if self.last is None or last > self.last:
            self.last = last

    def used_on(self, thread: int, ended: Set[int]) -> None:
        """Notes a thread on which a request used it; of those that `ended` only the number stays.

        A server may start a thread for each connection.
        """
        self.threads.add(thread)
        if len(self.threads) % FOLD == 0:
            known = len(self.threads)
            self.threads -= ended
            self.threads_ended += known - len(self.threads)


class ClassCounts:
    """Counts of one class's objects. Those of forgotten objects stay in `scopes` and `freed`."""

    __slots__ = (
        "built",
        "cls",
        "first",
        "freed",
        "kind",
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
        self.scopes: Counter[str] = Counter()
        self.freed: Counter[str] = Counter()

    def used_by(self, count: int) -> None:
        """Counts requests that used objects of this class, each once however many it used."""
        self.requests += count
