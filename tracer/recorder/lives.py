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
        self.clock = clock
        self.limit = limit
        self.table: dict[int, Ref] = {}
        self.deaths: deque[tuple[Ref, int, bool, int]] = deque()
        self.tokens = itertools.count(1)
        self.collecting = 0
        """Identifier of the thread in which the collector runs just now, or 0."""

    def bury(self, ref: Ref) -> None:
        """Note a death. The only thing that runs inside a weak reference's callback."""
        ident = get_ident()
        self.deaths.append((ref, self.clock(), self.collecting == ident, ident))

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

    def drain(self) -> list[tuple[int, int, bool, int]]:
        """Return and forget the deaths noted so far, as (token, at, by collector, ident)."""
        dead = []
        deaths, table = self.deaths, self.table
        while deaths:
            ref, at, by_collector, ident = deaths.popleft()
            if table.get(ref.key) is ref:
                del table[ref.key]
            dead.append((ref.token, at, by_collector, ident))
        return dead
