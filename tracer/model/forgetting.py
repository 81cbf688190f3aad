"""Forgets old requests: counts what they built, and tracks what of it is still alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import ge

from tracer.model.object_store import ObjectStore
from tracer.model.objects import TrackedObject
from tracer.model.recorded import Kind, RecordedRequest, RecordedRequests


class Forgetting:
    """Takes requests and dead objects that are remembered no more."""

    def __init__(self, store: ObjectStore, scope: Callable[[TrackedObject], str]) -> None:
        """`scope` decides the scope of an object."""
        self.store = store
        self.scope = scope
        self._remaining = 0
        """Dead objects that could not be forgotten at the last search."""

    def pin(self, recorded: RecordedRequest) -> None:
        """Tracks all that a request built that is never forgotten, while it is still known when the
        next ones began."""
        for token in recorded.tokens:
            self.store.find(token)

    def leave(self, old: Iterable[RecordedRequests]) -> None:
        """Counts what requests built that are forgotten, and tracks what of it lives."""
        alike: dict[int, list[RecordedRequests]] = {}
        for several in old:
            alike.setdefault(id(several.kinds), []).append(several)
        for group in alike.values():
            self._leave(group, group[0].kinds)

    def _leave(self, old: list[RecordedRequests], kinds: tuple[Kind, ...]) -> None:
        """Does so with requests that built the same."""
        size = len(kinds)
        tokens = [token for several in old for token in several.tokens]
        marks = [mark for several in old for mark in several.marks]
        closed = [each for several in old for each in several.closed]
        later = self.store.requests.first_begun(closed)
        leave = self.store.ledger.leave
        # What is tracked is counted when it is forgotten itself.
        elsewhere = self.store.tracked.keys() & tokens
        if 0 in marks:
            for token, mark in zip(tokens, marks, strict=True):
                if not mark:
                    self.store.find(token)
        places: dict[Kind, list[int]] = {}
        for place, kind in enumerate(kinds):
            places.setdefault(kind, []).append(place)
        for kind, several_places in places.items():
            died = [mark for place in several_places for mark in marks[place::size]]
            until = later * len(several_places)
            collected, late = sum([mark < 0 for mark in died]), sum(map(ge, died, until))
            leave(kind, "collector", collected)
            leave(kind, "later", late)
            leave(kind, "response", len(died) - died.count(0) - collected - late)
        for token in elsewhere:
            place = tokens.index(token)
            mark = marks[place]
            if mark:
                is_late = mark >= later[place // size]
                how = "collector" if mark < 0 else "later" if is_late else "response"
                leave(kinds[place % size], how, -1)

    def forget(self, keep: int) -> None:
        """Drops the dead whose requests are forgotten; the ledger counts them."""
        if len(self.store.dead) < self._remaining + keep:
            return
        remaining = []
        for token in self.store.dead:
            known = self.store.tracked[token]
            if known.built_in in self.store.requests.remembered:
                remaining.append(token)
            else:
                del self.store.tracked[token]
                self.store.ledger.forget(known, self.scope(known))
        self.store.dead = remaining
        self._remaining = len(remaining)
