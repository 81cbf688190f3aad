"""Which requests a process served, when each began, and how often each page was asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable
from itertools import repeat
from math import inf
from typing import Final

from tracer.model.facts import ThreadSeen
from tracer.model.pages import Pages
from tracer.model.recorded import RecordedRequest, RecordedRequests

MOST_THREADS: Final = 640
"""Threads of which a running process remembers the names."""
FEWEST_BEGINS: Final = 256
"""Beginnings that are remembered, or four times as many as requests."""
MOST_ENDED: Final = 4000
"""Threads of which it is remembered that they ended."""
ALWAYS_REMEMBERED: Final = frozenset({1, 2})
"""Numbers of requests that are never forgotten: a picture compares the first with the second."""
RECENT: Final = 256
"""Requests of which the times of closing are remembered."""


class RequestLog:
    """The requests of one process, counted, and the newest of them one by one."""

    def __init__(self, always: Container[int] = ALWAYS_REMEMBERED) -> None:
        """`always`: numbers of requests that are never forgotten."""
        self.always = always
        self.groups: list[RecordedRequests] = []
        """The remembered requests."""
        self.pinned: list[RecordedRequests] = []
        """Old requests that are not forgotten."""
        self.remembered: dict[int, RecordedRequests] = {}
        """Number to those that are alike, of all of these."""
        self.served = 0
        self.newest = 0
        """The highest number of a request that was counted; 0 if there was none."""
        self.threads: dict[int, str] = {}
        """Thread to its name."""
        self.ended: dict[int, None] = {}
        """The threads that ended last."""
        self.pages = Pages()
        self._begins: list[tuple[int, int]] = []
        """(begun, number), in order."""
        self._closes: list[tuple[int, int]] = []
        """(closed, number) of the newest, in order."""

    def add(self, new: Iterable[RecordedRequests]) -> None:
        """Counts requests that were recorded to their ends."""
        begins: list[tuple[int, int]] = []
        closes: list[tuple[int, int]] = []
        pages: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for several in new:
            numbers = several.numbers
            begins += zip(several.begun, numbers, strict=True)
            closes += zip(several.closed, numbers, strict=True)
            asked = pages.setdefault((several.page, several.thread), [])
            asked += zip(numbers, several.closed, strict=True)
        _insert(self._begins, begins)
        _insert(self._closes, closes)
        del self._closes[:-RECENT]
        for (page, thread), asked in pages.items():
            self.served += len(asked)
            self.newest = max([self.newest, *[number for number, _ in asked]])
            self.pages.add(page, thread, asked)

    def that_built(self, token: int) -> RecordedRequest | None:
        """Returns the remembered request that built an object, or None."""
        for several in (*reversed(self.groups), *self.pinned):
            if several.tokens and token in several.tokens:
                return RecordedRequest(several, several.tokens.index(token) // len(several.kinds))
        return None

    def remember(self, new: Iterable[RecordedRequests]) -> None:
        """Remembers requests one by one."""
        self.groups += new
        for several in new:
            self.remembered.update(zip(several.numbers, repeat(several)))

    def recorded(self, number: int) -> RecordedRequest | None:
        """Returns a request, if it is remembered."""
        several = self.remembered.get(number)
        if several is None:
            return None
        return RecordedRequest(several, several.numbers.index(number))

    def see_thread(self, seen: ThreadSeen) -> None:
        """Remembers the name of a thread, or that it ended."""
        if not seen.ended:
            self.threads[seen.thread] = seen.name
            return
        self.ended[seen.thread] = None
        if len(self.ended) > MOST_ENDED:
            del self.ended[next(iter(self.ended))]

    def newest_closed(self, at: int) -> int:
        """Returns the highest number of a request that had closed by this time; 0 if none had."""
        known = self._closes[: bisect_right(self._closes, (at, self.newest))]
        return max((number for _, number in known), default=0)

    def begun_between(self, after: int, until: int | None = None) -> int:
        """Returns how many requests began after one time, and not after another if it is given.

        Old beginnings are forgotten, so this is for recent times.
        """
        first = bisect_left(self._begins, (after, 0))
        last = len(self._begins)
        if until is not None:
            last = bisect_right(self._begins, (until, self.newest))
        return max(0, last - first)

    def first_begun(self, after: Iterable[int]) -> list[float]:
        """Returns for each time when the first request began after it; infinity if none did."""
        begins = [*self._begins, (inf, 0)]
        return [begins[bisect_left(begins, (each, 0))][0] for each in after]

    def newest_begun(self, at: int) -> int:
        """Returns the number of the newest request that had begun by this time; 0 if none had."""
        known = bisect_right(self._begins, (at, self.newest))
        return self._begins[known - 1][1] if known else 0

    def forget(
        self, oldest: int, keep: int
    ) -> tuple[list[RecordedRequests], list[RecordedRequest]]:
        """Drops requests before `oldest`, those that are alike when all of them are; all but the
        newest begins; and names of old threads, as servers may start one for each connection.

        Returns what is dropped, and what of it is kept all the same.
        """
        old, left, pinned = [], [], []
        for several in self.groups:
            if max(several.numbers) >= oldest:
                left.append(several)
                continue
            old.append(several)
            for number in several.numbers:
                if number in self.always and (one := self.recorded(number)) is not None:
                    pinned.append(one)
                del self.remembered[number]
        self.groups = left
        for one in pinned:
            self.pinned.append(one.alone())
            self.remembered[one.number] = self.pinned[-1]
        del self._begins[: -max(4 * keep, FEWEST_BEGINS)]
        if len(self.threads) > MOST_THREADS:
            for token in list(self.threads)[:-MOST_THREADS]:
                del self.threads[token]
        return old, pinned


def _insert(moments: list[tuple[int, int]], new: list[tuple[int, int]]) -> None:
    """Inserts moments in order; as a rule they follow those that are there."""
    new.sort()
    if moments and new and moments[-1] > new[0]:
        for each in new:
            insort(moments, each)
    else:
        moments += new
