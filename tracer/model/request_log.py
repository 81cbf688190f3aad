"""Which requests a process served, when each began, and how often each page was asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from tracer.model.facts import Request, ThreadSeen
from tracer.model.pages import Pages

MOST_THREADS: Final = 640
"""Threads of which a running process remembers the names."""
MOST_ENDED: Final = 4000
"""Threads of which it is remembered that they ended."""
ALWAYS_REMEMBERED: Final = frozenset({1, 2})
"""Numbers of requests that are never forgotten: a picture compares the first with the second."""
RECENT: Final = 256
"""Requests of which the times of closing are remembered."""


class RequestLog:
    """The requests of one process, counted, and the newest of them one by one."""

    def __init__(self) -> None:
        self.remembered: dict[int, Request] = {}
        """Number to request."""
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

    def add(self, request: Request) -> None:
        """Counts a request that was recorded to its end."""
        self.count(
            1,
            [(request.begun, request.number)],
            [(request.page, request.thread, request.number, request.closed)],
        )

    def count(
        self,
        served: int,
        begins: Sequence[tuple[int, int]],
        pages: Iterable[tuple[str, int, int, int]],
    ) -> None:
        """Counts `served` requests, which need not be known one by one.

        `begins` holds (begun, number) of the newest of them, `pages` (page, thread, number, closed)
        of each.
        """
        self.served += served
        self.newest = max(self.newest, *(number for _, number in begins))
        # A request whose objects lived on may be reported after later ones.
        in_order = not self._begins or self._begins[-1] <= begins[0]
        self._begins += begins
        if not in_order:
            self._begins.sort()
        for page, thread, number, closed in pages:
            self.pages.add(page, thread, number, closed)
            self._closes.append((closed, number))
        self._closes.sort()
        del self._closes[:-RECENT]

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

    def newest_begun(self, at: int) -> int:
        """Returns the number of the newest request that had begun by this time; 0 if none had."""
        for begun, number in reversed(self._begins):
            if begun <= at:
                return number
        return 0

    def forget(self, oldest: int, keep: int) -> None:
        """Drops requests before `oldest`, all but `2 * keep` begins, and names of old threads.

        Servers may start a thread for each connection.
        """
        for number in [n for n in self.remembered if n < oldest and n not in ALWAYS_REMEMBERED]:
            del self.remembered[number]
        del self._begins[: -2 * keep]
        for token in list(self.threads)[: max(0, len(self.threads) - MOST_THREADS)]:
            del self.threads[token]
