"""The objects that are remembered: where each of them is found.

What a remembered request built stands in its recorded, and nowhere else while there is nothing
more to say of it than birth and death. Of what is said more (a later request used it, something
holds it, its thread ended) there is a `TrackedObject`, and of all that lives when its request is
forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from tracer.model.assemble import birth_in
from tracer.model.facts import Birth, Died
from tracer.model.ledger import Ledger
from tracer.model.objects import TrackedObject
from tracer.model.recorded import RecordedRequest, RecordedRequests
from tracer.model.request_log import RequestLog

RECENT: Final = 256
"""Deaths that are dated anew when a request is reported that had begun before them."""


class ObjectStore:
    """Objects by token."""

    def __init__(self, requests: RequestLog, ledger: Ledger) -> None:
        self.requests = requests
        self.ledger = ledger
        self.tracked: dict[int, TrackedObject] = {}
        self.alive: dict[int, RecordedRequest] = {}
        """Living objects that are not tracked, with the request that built them."""
        self.dead: list[int] = []
        """Tracked objects that died."""
        self.newest_death = 0

    def find(self, token: int) -> TrackedObject | None:
        """Returns an object, and tracks it from now on; None if it is not remembered."""
        known = self.tracked.get(token)
        if known is not None:
            return known
        recorded = self.alive.pop(token, None) or self.requests.that_built(token)
        if recorded is None:
            return None
        known = self.made(recorded, recorded.index(token))
        self.tracked[token] = known
        if known.death is not None:
            self.dead.append(token)
        return known

    def made(self, recorded: RecordedRequest, index: int) -> TrackedObject:
        """Returns an object that is not tracked: its birth, and maybe its death."""
        birth, several = birth_in(recorded, index), recorded.several
        number, closed = several.numbers[recorded.place], several.closed[recorded.place]
        counts = self.ledger.counts_of(birth, number)
        known = TrackedObject(birth, number, closed, counts, several.page)
        known.used_by(1, number, number)
        known.threads.add(birth.thread)
        if several.seen_on is not None:
            for token, thread in recorded.used():
                if token == birth.token:
                    known.used_on(thread, self.requests.ended.keys())
        mark = several.marks[recorded.place * len(several.kinds) + index]
        if mark:
            how = "reference" if mark > 0 else "collector"
            self.end(known, Died(birth.token, abs(mark), how))
        return known

    def untracked(
        self, numbers: Collection[int] | None = None
    ) -> Iterator[tuple[RecordedRequest, int, int]]:
        """Yields the objects of remembered requests that are not tracked: with request and place.

        `numbers`: of these requests only.
        """
        for several in (*self.requests.groups, *self.requests.pinned):
            for recorded in several:
                if numbers is not None and recorded.number not in numbers:
                    continue
                for index, token in enumerate(recorded.tokens):
                    if token not in self.tracked:
                        yield recorded, index, token

    def all(self) -> dict[int, TrackedObject]:
        """Returns all that is remembered, tracked or not."""
        rest = {token: self.made(recorded, index) for recorded, index, token in self.untracked()}
        return {**self.tracked, **rest}

    def living_tokens(self) -> list[int]:
        """Returns all objects that are remembered and not known to be dead."""
        alive = [token for token, known in self.tracked.items() if known.death is None]
        return alive + list(self.alive)

    def living(self) -> Iterator[Birth]:
        """Yields the births of all objects that are remembered and not known to be dead."""
        for known in self.tracked.values():
            if known.death is None:
                yield known.named_birth
        for token, recorded in self.alive.items():
            yield birth_in(recorded, recorded.tokens.index(token))

    def add_living(self, several: RecordedRequests) -> None:
        """Adds what requests built that lives."""
        tokens, marks, count = several.tokens, several.marks, len(several.kinds)
        place, request, one = -1, -1, RecordedRequest(several, 0)
        for _ in range(marks.count(0)):
            place = marks.index(0, place + 1)
            if place // count != request:
                request = place // count
                one = RecordedRequest(several, request)
            self.alive[tokens[place]] = one

    def track_owned(self, several: RecordedRequests) -> None:
        """Tracks what requests built that ends with something else, such as a pool."""
        for one in several:
            for token, kind in zip(one.tokens, several.kinds, strict=True):
                if kind[4] is not None:
                    self.find(token)

    def date_deaths(self, several: RecordedRequests) -> None:
        """Dates deaths during requests that were reported before the requests were."""
        for token in self.dead[-RECENT:]:
            known = self.tracked[token]
            for number, begun in zip(several.numbers, several.begun, strict=True):
                if known.death is not None and known.death.at >= begun:
                    known.freed_in = max(known.freed_in, number)
                    known.outlived_by += begun >= known.closed

    def end(self, known: TrackedObject, died: Died) -> None:
        """Notes a death."""
        known.death = died
        known.freed_in = self.requests.newest_begun(died.at)
        known.outlived_by = self.requests.begun_between(known.closed, died.at)
        self.newest_death = max(self.newest_death, died.at)
