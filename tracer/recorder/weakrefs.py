"""Births and deaths: a weak reference beside each watched object, and a queue for their ends.

A weak reference's callback can run anywhere, even inside a garbage collection that interrupted
this very module, so it only puts down when it ran; everything else happens later.

A reference made in a request stands in that request's births until its object dies; then the time
takes its place there, and it is gone. References that waited for somebody to look at them lived for
dozens of requests, which the collector takes for what stays.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import Any

PUT_BY = -1


class Ref(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that tells when and how its object died."""

    __slots__ = ("at", "home", "key", "place", "token")
    home: list[Any] | None
    """Births in which it stands for its object; None where it does so no longer, or never did."""
    place: int
    """Where in there it stands, unless two births came at once."""
    key: int
    """Where `Lives.by_id` has it, or `PUT_BY`; 0 while nobody but its request holds it."""
    token: int
    """Its object's, and below when it died: both only where the key is not 0."""
    at: int
    """0 while its object lives; negative if the collector freed it."""


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
        self.bury, self.collecting = self._burial(clock)

    def _burial(
        self, clock: Callable[[], int]
    ) -> tuple[Callable[[Ref], None], Callable[[int, int], None]]:
        """Return the callback of every weak reference here, which may hardly do a thing.

        And what tells it that the collector runs just now: in which thread, or 0 if it does so no
        longer, and when it began.
        """
        append, ident = self.deaths.append, get_ident
        collector, ended = 0, 0

        def collecting(thread: int, began: int) -> None:
            nonlocal collector, ended
            collector, ended = thread, -began

        def bury(ref: Ref) -> None:
            at = ended if collector and collector == ident() else clock()
            home = ref.home
            if home is not None:
                place = ref.place
                try:
                    if home[place] is ref:
                        home[place] = at
                    else:
                        _replace(home, ref, at)
                except IndexError:  # a fault kept its birth from being told
                    pass
            # First that, then the question: see `keep`.
            if ref.key:
                ref.at = at
                append(ref)

        return bury, collecting

    def watch(self, obj: Any) -> tuple[int, bool]:
        """Start watching `obj`; return its new token and whether its death can be seen."""
        token = next(self.tokens)
        try:
            ref = Ref(obj, self.bury)
        except TypeError:
            return token, False
        ref.home = None
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

    def keep(self, births: list[Any], waits: bool = False) -> list[tuple[int, int]]:
        """Take over the references of a finished request's births.

        Returns the token and the end, as in `Ref.at`, of those whose objects are dead already;
        nothing else will tell of them. `waits`: the births are looked at once more, and want to
        know the ends of the others, too.
        """
        marks = births[::5]
        if Ref in map(type, marks):
            for place, ref in enumerate(marks):
                if type(ref) is Ref:
                    marks[place] = self._keep(births, place * 5, ref, waits)
        return [end for end in zip(births[1::5], marks, strict=True) if end[1]]

    def keep_all(self, several: Iterable[list[Any]], waits: bool = False) -> list[tuple[int, int]]:
        """Take over those of several requests, as `keep` does.

        What is over in all of them is told at once.
        """
        ends: list[tuple[int, int]] = []
        over: list[Any] = []
        for births in several:
            if Ref in map(type, births[::5]):
                ends += self.keep(births, waits)
            else:
                over += births
        return [end for end in zip(over[1::5], over[::5], strict=True) if end[1]] + ends

    def _keep(self, births: list[Any], place: int, ref: Ref, waits: bool) -> int:
        """Take over one; return when it died, if it is dead after all."""
        if not ref.key:
            ref.token = births[place + 1]
            ref.at = 0
            # First this, then the question: an end in between is told twice, not never.
            ref.key = PUT_BY
        at: int | Ref = births[place]
        if not isinstance(at, Ref):
            return at
        self.refs[ref.token] = ref
        if not waits:
            # Or it would keep all these births as long as its object lives.
            ref.home = None
        return 0

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


def _replace(births: list[Any], ref: Ref, at: int) -> None:
    """Put down an end where two births came at once, and the reference is not where it should be.

    Looked for by identity: to compare may be the application's own code.
    """
    for place in range(0, len(births), 5):
        if births[place] is ref:
            births[place] = at
