"""How often each page was asked for, and by which requests, in bounded memory.

A *page* is a method and a path without its query. What a site leaves behind is judged page by page:
a memo is filled by the first request for a page, a leak grows with each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

MOST_PAGES: Final = 4000
"""Pages, on each thread, that are remembered. Those asked for least make room for new ones."""
ANY: Final = ""
"""Stands for all pages together."""
NEWEST: Final = 4
"""Requests of which it is remembered when they closed."""
EXACT: Final = 128
"""Requests of which the numbers are known exactly; of more, each second, fourth, … is."""


class PageRequests:
    """The requests for one page."""

    __slots__ = ("_every", "_newest", "_numbers", "total")

    def __init__(self) -> None:
        self.total = 0
        self._every = 1
        self._numbers: list[int] = []
        self._newest: list[tuple[int, int]] = []
        """(number, closed) of the newest few."""

    def add(self, numbers: Sequence[int], newest: Sequence[tuple[int, int]]) -> None:
        """Counts requests by their numbers; `newest` are the newest few as (number, closed)."""
        self._numbers = sorted([*self._numbers, *numbers[-self.total % self._every :: self._every]])
        self.total += len(numbers)
        while len(self._numbers) > EXACT:
            del self._numbers[1::2]
            self._every *= 2
        self._newest = sorted([*self._newest, *newest])[-NEWEST:]

    def count(self, upto: int) -> int:
        """Returns how many of them have a number up to this one."""
        return min(self.total, bisect_right(self._numbers, upto) * self._every)

    def numbers(self, upto: int) -> list[int]:
        """Returns the numbers of requests up to this one, or of an even sample of them."""
        return self._numbers[: bisect_right(self._numbers, upto)]

    def newest(self, before: int) -> int:
        """Returns the number of the newest of them that closed before this time; 0 if none did."""
        return max((number for number, closed in self._newest if closed <= before), default=0)


class Pages:
    """All pages of a process, in all and by thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], PageRequests] = {}
        """(page, thread) to its requests; those with thread 0 are the requests on all threads."""

    def add(self, page: str, thread: int, several: Sequence[tuple[int, int]]) -> None:
        """Counts requests for one page on one thread, given as (number, closed)."""
        numbers, newest = [number for number, _ in several], sorted(several)[-NEWEST:]
        for key in ((page, 0), (page, thread), (ANY, 0), (ANY, thread)):
            if key not in self._known:
                if len(self._known) >= MOST_PAGES and not self._make_room():
                    continue
                self._known[key] = PageRequests()
            self._known[key].add(numbers, newest)

    def _make_room(self) -> bool:
        """Forgets the pages asked for once or twice; returns whether there were any.

        Nothing can be said of these: what they left may be a memo.
        """
        rare = [key for key, known in self._known.items() if known.total < 3]
        for key in rare[: MOST_PAGES // 4]:
            del self._known[key]
        return bool(rare)

    def requests(self, page: str, thread: int = 0) -> PageRequests | None:
        """Returns the requests for a page, or for `ANY`, on one thread if one is given.

        None if they are not known.
        """
        return self._known.get((page, thread))
