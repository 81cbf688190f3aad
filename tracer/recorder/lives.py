"""Births and deaths: a weak reference beside each watched object, and a queue for their ends.

A weak reference's callback can run anywhere, even inside a garbage collection that interrupted
this very module, so it only appends to a deque; everything else happens when that is drained.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any


class Ref(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that knows its object's token, and where the table keeps it."""

    __slots__ = ("key", "token")
    key: int
    token: int


class Lives:
    """The table of objects being watched. Bounded: beyond `limit` objects births go uncounted."""

    def __init__(self, clock: Callable[[], int], limit: int = 200_000) -> None:
        self.limit = limit
        self.table: dict[int, Ref] = {}
        self.deaths: deque[tuple[Ref, int, bool]] = deque()
        self.tokens = itertools.count(1)
        self.collecting = 0
        """Identifier of the thread in which the collector runs just now, or 0."""
        self.collecting_since = 0
        self.bury = self._burial(clock)

    def _burial(self, clock: Callable[[], int]) -> Callable[[Ref], None]:
        """Return the callback of every weak reference here. It may only append."""
        append = self.deaths.append

        def bury(ref: Ref) -> None:
            if self.collecting and self.collecting == get_ident():
                append((ref, self.collecting_since, True))
            else:
                append((ref, clock(), False))

        return bury

    def watch(self, obj: Any) -> tuple[int, bool]:
        """Start watching `obj`; return its new token and whether its death can be seen."""
        token = next(self.tokens)
        key = id(obj)
        try:
            ref = Ref(obj, self.bury)
        except TypeError:
            return token, False
        ref.token = token
        ref.key = key
        self.table[key] = ref
        return token, True

    def token_of(self, obj: Any) -> int | None:
        """Return the token of a watched object, or None. Never calls the object's own code."""
        ref = self.table.get(id(obj))
        return ref.token if ref is not None and ref() is obj else None

    def drain(self) -> list[tuple[int, int, bool]]:
        """Return and forget the deaths noted so far, as (token, at, by the collector)."""
        dead = []
        deaths, table = self.deaths, self.table
        while deaths:
            ref, at, by_collector = deaths.popleft()
            if table.get(ref.key) is ref:
                del table[ref.key]
            dead.append((ref.token, at, by_collector))
        return dead
