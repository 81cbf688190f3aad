"""The objects of a process, from birth to death, as far as they are remembered one by one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from tracer.model import scope
from tracer.model.facts import Barrier, Birth, Died, EndedWithThread, Replaced, Request, Walk
from tracer.model.ledger import Ledger
from tracer.model.objects import TrackedObject
from tracer.model.request_log import ALWAYS_REMEMBERED, RequestLog
from tracer.model.spots import Spots

RECENT: Final = 256
"""Deaths that are dated anew when a request is reported that had begun before them."""


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
    """What was recorded of each object. Decides scopes, and forgets the dead of old requests."""

    def __init__(self, requests: RequestLog, keep: int | None) -> None:
        self.requests = requests
        self.keep = keep
        self.ledger = Ledger()
        self.spots = Spots(requests.pages)
        self.tracked: dict[int, TrackedObject] = {}
        self._unproven: dict[int, TrackedObject] = {}
        """Objects that no barrier has yet found alive after their request, nor dead."""
        self._early = _Early()
        self._dead: list[int] = []
        self._forget_at = 2 * (keep or 0)
        """So many dead are searched for those to forget."""

    def add(self, request: Request) -> None:
        """Takes in what a request built and what it used."""
        self._date_deaths(request)
        for birth in request.births:
            self.born(birth, request.number, request.closed, request.page)
        for module, tokens in request.by_import:
            for token in tokens:
                if token in self.tracked:
                    self.tracked[token].by_import = module
        used = set()
        for token, thread in request.seen:
            known = self.tracked.get(token)
            if known is not None:
                known.used_on(thread, self.requests.ended.keys())
                if known.built_in != request.number:
                    used.add(token)
        for token in used:
            self.tracked[token].used_by(request.number)

    def born(self, birth: Birth, built_in: int | None, closed: int, page: str = "") -> None:
        """Takes in a birth, in a request for `page` that closed at `closed`, or outside any."""
        if birth.token in self.tracked:
            return
        counts = self.ledger.counts_of(birth, built_in)
        counts.built += 1
        known = TrackedObject(birth, built_in, closed, counts, page)
        self.tracked[birth.token] = self._unproven[birth.token] = known
        if built_in is not None:
            known.used_on(birth.thread, self.requests.ended.keys())
            known.used_by(built_in)
        known.with_thread = self._early.threads.pop(birth.token, 0) == birth.thread
        if birth.token in self._early.deaths:
            self.died(self._early.deaths.pop(birth.token))

    def count_uses(self, uses: Iterable[tuple[int, int]], count: int, last: int) -> None:
        """Counts `count` requests, the newest of them `last`, that used these (token, thread)."""
        known: dict[int, TrackedObject] = {}
        for token, thread in uses:
            if token in self.tracked:
                known[token] = self.tracked[token]
                known[token].used_on(thread, self.requests.ended.keys())
        for each in known.values():
            each.used_by_several(count, last)
        for counts in {each.counts for each in known.values()}:
            counts.used_by_several(count, last)

    def died(self, died: Died) -> None:
        """Takes in a death."""
        known = self.tracked.get(died.token)
        if known is None:
            # Its birth is reported with its request, which may still be running.
            self._early.deaths[died.token] = died
            self._early.forget(self.keep)
            return
        if known.death is not None:
            return
        known.death = died
        known.freed_in = self.requests.newest_begun(died.at)
        known.outlived_by = self.requests.begun_between(known.closed, died.at)
        self.spots.leave(known)
        self._dead.append(died.token)

    def _date_deaths(self, request: Request) -> None:
        """Dates deaths during a request that were reported before the request was."""
        for token in self._dead[-RECENT:]:
            known = self.tracked[token]
            if known.death is not None and known.death.at >= request.begun:
                known.freed_in = max(known.freed_in, request.number)
                known.outlived_by += request.begun >= known.closed

    def thread_ended(self, fact: EndedWithThread) -> None:
        """Takes in what a thread held, or let go, when it ended; of what it had built itself."""
        for token in fact.tokens:
            known = self.tracked.get(token)
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
        for token in sorted(self.tracked.keys() & fact.tokens):  # a tally takes only later ones
            self.spots.replaced(self.tracked[token])

    def walked(self, walk: Walk) -> None:
        """Takes in what a walk found."""
        self.spots.walked(walk, self.tracked, self.requests.newest_closed(walk.begun))

    def pass_barrier(self, barrier: Barrier) -> None:
        """Marks the objects that a barrier found alive after their request had closed."""
        for token, known in list(self._unproven.items()):
            is_dead = known.death is not None and known.death.at <= barrier.at
            if is_dead or known.closed <= (barrier.begun or barrier.at):
                known.survived = not is_dead
                del self._unproven[token]

    def forget(self, oldest: int, keep: int) -> None:
        """Drops the dead that were born before request `oldest`; the ledger counts them."""
        if len(self._dead) < self._forget_at:
            return
        remaining = []
        for token in self._dead:
            built_in = self.tracked[token].built_in
            if built_in is not None and (built_in >= oldest or built_in in ALWAYS_REMEMBERED):
                remaining.append(token)
            else:
                self._unproven.pop(token, None)
                known = self.tracked.pop(token)
                self.ledger.forget(known, self.scope(known))
        self._dead = remaining
        self._forget_at = len(remaining) + 2 * keep

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
