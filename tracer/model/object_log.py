"""What becomes of a process's objects, from birth to death. Decides scopes, and forgets the dead of
old requests.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from tracer.model import scope
from tracer.model.barriers import Barriers
from tracer.model.facts import Birth, Died, EndedWithThread, Replaced, Walk
from tracer.model.forgetting import Forgetting
from tracer.model.ledger import Ledger
from tracer.model.object_store import ObjectStore
from tracer.model.objects import TrackedObject
from tracer.model.recorded import RecordedRequests
from tracer.model.request_log import RequestLog
from tracer.model.spots import Spots


class _Early:
    """What was reported of objects before their births were, by token."""

    def __init__(self) -> None:
        self.deaths: OrderedDict[int, Died] = OrderedDict()
        self.threads: OrderedDict[int, int] = OrderedDict()
        """Threads that ended and had them."""

    def forget(self, keep: int | None) -> None:
        """Forgets the oldest; `keep` as in `ObjectLog`."""
        for early in (self.deaths, self.threads):
            while keep is not None and len(early) > 64 * keep:
                early.popitem(last=False)


class ObjectLog:
    """Takes in what was recorded of each object."""

    def __init__(self, requests: RequestLog, keep: int | None) -> None:
        self.requests = requests
        self.keep = keep
        self.ledger = Ledger()
        self.spots = Spots(requests.pages)
        self.store = ObjectStore(requests, self.ledger)
        self.tracked = self.store.tracked
        self.find = self.store.find
        self.barriers = Barriers(is_bounded=keep is not None)
        self._early = _Early()
        self.forgetting = Forgetting(self.store, self.scope)

    def add(self, new: Sequence[RecordedRequests]) -> None:
        """Takes in what requests built and what they used."""
        for several in new:
            if 0 in several.marks:
                self.store.add_living(several)
        alike: dict[int, list[RecordedRequests]] = {}
        for several in new:
            alike.setdefault(id(several.kinds), []).append(several)
        for group in alike.values():
            count = sum(map(len, group))
            for counts in self.ledger.built(group[0], count):
                counts.used_by(count)
        for several in new:
            if any(kind[4] is not None for kind in several.kinds):
                self.store.track_owned(several)
            for module, tokens in several.by_import:
                for token in tokens:
                    if (known := self.find(token)) is not None:
                        known.by_import = module
            if min(several.begun) <= self.store.newest_death:
                self.store.date_deaths(several)
            self._add_early(several)
        uses: dict[frozenset[tuple[int, int]], list[RecordedRequests]] = {}
        for several in new:
            uses.setdefault(frozenset(several.used()), []).append(several)
        for used, group in uses.items():
            self._count(used, group)

    def _count(self, used: Iterable[tuple[int, int]], alike: Sequence[RecordedRequests]) -> None:
        """Counts what requests used that used the same."""
        numbers = [number for several in alike for number in several.numbers]
        first, last = min(numbers), max(numbers)
        objects: set[TrackedObject] = set()
        for token, on in used:
            known = self.find(token)
            if known is not None:
                objects.add(known)
                if on not in known.threads:
                    known.used_on(on, self.requests.ended.keys())
        for known in objects:
            known.used_by(len(numbers), first, last)
        classes = {known.counts for known in objects}
        for several in alike:
            # Those that they also built are counted already.
            for counts in classes - self.ledger.classes_of(several):
                counts.used_by(len(several))

    def _add_early(self, recorded: RecordedRequests) -> None:
        """Adds what was reported of these objects before."""
        deaths, threads = self._early.deaths, self._early.threads
        if deaths:
            for token in deaths.keys() & recorded.tokens:
                self.died(deaths.pop(token))
        if threads:
            for token in threads.keys() & recorded.tokens:
                self.thread_ended(EndedWithThread(threads.pop(token), (token,)))

    def born(self, birth: Birth, closed: int) -> None:
        """Takes in a birth outside any request, or before the first; `closed` is its time."""
        if birth.token in self.tracked:
            return
        counts = self.ledger.counts_of(birth, None)
        counts.built += 1
        self.tracked[birth.token] = TrackedObject(birth, None, closed, counts)
        if birth.token in self._early.deaths:
            self.died(self._early.deaths.pop(birth.token))

    # -- what becomes of them ----------------------------------------------------------------

    def died(self, died: Died) -> None:
        """Takes in a death."""
        recorded = self.store.alive.pop(died.token, None)
        if recorded is not None:
            at = -died.at if died.how == "collector" else died.at
            recorded.died(died.token, at)
            return
        known = self.tracked.get(died.token)
        if known is None:
            if self.requests.that_built(died.token) is None:
                # Its birth is reported with its request, which may still be running.
                self._early.deaths[died.token] = died
                self._early.forget(self.keep)
        elif known.death is None:
            self.store.end(known, died)
            self.spots.leave(known)
            self.store.dead.append(died.token)

    def thread_ended(self, fact: EndedWithThread) -> None:
        """Takes in what a thread held, or let go, when it ended; of what it had built itself."""
        for token in fact.tokens:
            known = self.find(token)
            if known is None:
                self._early.threads[token] = fact.thread
                self._early.forget(self.keep)
            elif known.birth.thread == fact.thread:
                known.with_thread = True

    def held(self) -> Walk:
        """Returns all that the last walk found held, as one walk."""
        found = [each.held for each in self.tracked.values() if each.is_held and each.held]
        return Walk(*self.spots.walk_time, tuple(found))

    def replaced(self, fact: Replaced) -> None:
        """Takes in which objects a later request let go, when it had built another like them."""
        for token in sorted(fact.tokens):  # a tally takes only later ones
            known = self.find(token)
            if known is not None:
                self.spots.replaced(known)

    def walked(self, walk: Walk) -> None:
        """Takes in what a walk found."""
        for held in walk.found:
            self.find(held.token)
        self.spots.walked(walk, self.tracked, self.requests.newest_closed(walk.begun))

    def scope(self, known: TrackedObject) -> str:
        """Returns the scope of an object as far as the facts decide it."""
        in_request = known.built_in is not None
        return scope.decide(
            scope.Facts(
                in_request=in_request,
                used=known.requests > in_request,
                dead=known.death is not None,
                resource=known.birth.owner is not None,
                outlived=in_request and (known.death is None or known.death.at > known.closed),
                by_import=known.by_import != "",
                root=known.held.root if known.held is not None else "",
                kept=self.spots.kept_at(known) != "",
                with_thread=known.with_thread,
            )
        )
