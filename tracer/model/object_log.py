"""The objects of a process, from birth to death, as far as they are remembered one by one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from tracer.model import scope
from tracer.model.facts import Barrier, Birth, Died, Request
from tracer.model.ledger import Ledger
from tracer.model.objects import TrackedObject
from tracer.model.request_log import ALWAYS_REMEMBERED, THREADS, RequestLog

RECENT: Final = 256
"""Deaths that are dated anew when a request is reported that had begun before them."""


class ObjectLog:
    """What was recorded of each object. Decides scopes, and forgets the dead of old requests."""

    def __init__(self, requests: RequestLog, keep: int | None) -> None:
        self.requests = requests
        self.keep = keep
        self.ledger = Ledger()
        self.tracked: dict[int, TrackedObject] = {}
        """Token to object."""
        self._unproven: dict[int, TrackedObject] = {}
        """Objects that no barrier has yet found alive after their request, nor dead."""
        self._deaths_before_birth: OrderedDict[int, Died] = OrderedDict()
        """Token to a death that was reported before the birth was."""
        self._dead: list[int] = []
        self._forget_at = 2 * (keep or 0)
        """The dead are searched for those to forget when there are so many, not at each request."""
        self._reused: set[tuple[str, int]] = set()
        """(class, request): later requests used objects of that class born in that request."""

    def add(self, request: Request) -> None:
        """Takes in what a request built and what it used."""
        self._date_deaths(request)
        for birth in request.births:
            self.born(birth, request.number, request.closed)
        used: dict[int, None] = {}
        for token, thread in request.seen:
            known = self.tracked.get(token)
            if known is None:
                continue
            known.threads.add(thread)
            if known.built_in != request.number:
                used[token] = None
        for token in used:
            known = self.tracked[token]
            known.used_by(request.number)
            if known.built_in is not None:
                self._reused.add((known.birth.cls, known.built_in))

    def born(self, birth: Birth, built_in: int | None, closed: int) -> None:
        """Takes in a birth, in a request that closed at `closed` or outside any request."""
        if birth.token in self.tracked:
            return
        counts = self.ledger.counts_of(birth, built_in)
        counts.built += 1
        without = self.requests.served_without(birth.thread)
        known = TrackedObject(birth, built_in, closed, counts, without)
        self.tracked[birth.token] = self._unproven[birth.token] = known
        if built_in is not None:
            known.threads.add(birth.thread)
            known.used_by(built_in)
        if birth.token in self._deaths_before_birth:
            self.died(self._deaths_before_birth.pop(birth.token))

    def count_uses(self, uses: Iterable[tuple[int, int]], count: int, last: int) -> None:
        """Counts `count` requests, the newest of them `last`, that used these (token, thread)."""
        known = {}
        for token, thread in uses:
            each = self.tracked.get(token)
            if each is not None:
                known[token] = each
                each.threads.add(thread)
        classes = set()
        for each in known.values():
            each.used_by_several(count, last)
            classes.add(each.counts)
            if each.built_in is not None:
                self._reused.add((each.birth.cls, each.built_in))
        for counts in classes:
            counts.used_by_several(count, last)

    def died(self, died: Died) -> None:
        """Takes in a death."""
        known = self.tracked.get(died.token)
        if known is None:
            # Its birth is reported with its request, which may still be running.
            self._deaths_before_birth[died.token] = died
            if self.keep is not None and len(self._deaths_before_birth) > 64 * self.keep:
                self._deaths_before_birth.popitem(last=False)
            return
        if known.death is not None:
            return
        known.death = died
        known.freed_in = self.requests.newest_begun(died.at)
        known.freed = _freed(known, died, self.requests)
        self._dead.append(died.token)

    def _date_deaths(self, request: Request) -> None:
        """Dates deaths during a request that were reported before the request was."""
        for token in self._dead[-RECENT:]:
            known = self.tracked[token]
            if known.death is not None and known.death.at >= request.begun:
                known.freed_in = max(known.freed_in, request.number)

    def pass_barrier(self, barrier: Barrier) -> None:
        """Marks the objects that a barrier found alive after their request had closed."""
        for token, known in list(self._unproven.items()):
            if known.death is not None and known.death.at <= barrier.at:
                del self._unproven[token]
            elif known.closed <= barrier.at:
                known.survived = True
                del self._unproven[token]

    def forget(self, oldest: int, keep: int) -> None:
        """Drops the dead that were born before request `oldest`; the ledger counts them."""
        if len(self._reused) > 100 * THREADS:
            births = {(each.birth.cls, each.built_in) for each in self.tracked.values()}
            self._reused = {pair for pair in self._reused if pair in births}
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
        born_on, threads = known.birth.thread, known.threads
        resource = known.birth.owner is not None
        return scope.decide(
            scope.Facts(
                in_request=known.built_in is not None,
                requests=known.requests,
                later=known.requests - (1 if known.built_in is not None else 0),
                threads=len(threads),
                elsewhere=len(threads) > (born_on in threads),
                others_served=self.requests.served_without(born_on) > known.served_without,
                survived=known.survived,
                dead=known.death is not None,
                resource=resource,
                outlived=resource and self.requests.outlived_its_request(known),
                thread_ended=known.freed == "thread",
                kin_used=(known.birth.cls, known.built_in) in self._reused,
            )
        )


def _freed(known: TrackedObject, died: Died, requests: RequestLog) -> str:
    """Returns how an object was freed, in the words of `tracer.model.process.Lifetime.freed`."""
    if died.how == "closed":
        return "owner" if died.at > known.closed else "response"
    thread_had_ended = requests.thread_had_ended(known.birth.thread, died.at)
    if thread_had_ended and requests.outlived_its_request(known):
        return "thread"
    return "collector" if died.how == "collector" else "response"
