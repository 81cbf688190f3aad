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

PUT_BY = -1


class Ref(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that knows its object's token, and tells when and how it died."""

    __slots__ = ("at", "key", "token")
    token: int
    key: int
    """Where `Lives.by_id` has it, or `PUT_BY`; 0 while nobody but its request holds it."""
    at: int
    """When its object died; 0 while it lives; negative if the collector freed it."""


class Lives:
    """The objects being watched. Bounded: beyond `limit` objects, births are only counted."""

    def __init__(self, clock: Callable[[], int], limit: int = 200_000) -> None:
        self.limit = limit
        self.refs: dict[int, Ref] = {}
        """Token to weak reference; a reference must outlive its object to tell its end."""
        self.by_id: dict[int, Ref] = {}
        """Address to weak reference, for objects that are recognised when they are used."""
        self.deaths: deque[Ref] = deque()
        self.tokens = itertools.count(1)
        self.collecting = 0
        """Identifier of the thread in which the collector runs just now, or 0."""
        self.ended = 0
        """What `at` is of those whom that collection frees: when it began, negative."""
        self.bury = self._burial(clock)

    def _burial(self, clock: Callable[[], int]) -> Callable[[Ref], None]:
        """Return the callback of every weak reference here. It may hardly do a thing."""
        append = self.deaths.append

        def bury(ref: Ref) -> None:
            if self.collecting and self.collecting == get_ident():
                ref.at = self.ended
            else:
                ref.at = clock()
            if ref.key:
                append(ref)

        return bury

    def watch(self, obj: Any) -> tuple[int, bool]:
        """Start watching `obj`; return its new token and whether its death can be seen."""
        token = next(self.tokens)
        try:
            ref = Ref(obj, self.bury)
        except TypeError:
            return token, False
        ref.token = token
        ref.at = 0
        ref.key = key = id(obj)
        self.refs[token] = self.by_id[key] = ref
        return token, True

    def token_of(self, obj: Any) -> int | None:
        """Return the token of a watched object, or None. Never calls the object's own code."""
        ref = self.by_id.get(id(obj))
        return ref.token if ref is not None and ref() is obj else None

    def forget(self, token: int) -> None:
        """Stop watching an object whose end is told otherwise, such as a closed connection's."""
        ref = self.refs.pop(token, None)
        if ref is not None and self.by_id.get(ref.key) is ref:
            self.by_id.pop(ref.key, None)

    def keep(self, births: list[Any]) -> list[Ref]:
        """Take over the references of a finished request's births.

        Returns those whose objects are dead already; nothing else will tell of them.
        """
        refs, dead = self.refs, []
        for ref in births[::4]:
            if type(ref) is not Ref:
                continue
            if not ref.key:
                # First this, then the question: an end in between is told twice, not never.
                ref.key = PUT_BY
            if ref.at:
                dead.append(ref)
            else:
                refs[ref.token] = ref
        return dead

    def drain(self) -> list[Ref]:
        """Return the references that died, oldest first, and forget them."""
        next_one = self.deaths.popleft
        dead = [next_one() for _ in range(len(self.deaths))]
        by_id, forget = self.by_id, self.refs.pop
        for ref in dead:
            forget(ref.token, None)
            key = ref.key
            if key > 0 and by_id.get(key) is ref:
                del by_id[key]
        return dead
