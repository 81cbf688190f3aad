"""Weak references to watched objects, and the times at which those objects died.

A weak reference's callback can run anywhere, even inside a garbage collection that interrupted
this very module. So it only stores the time of death; everything else happens later.

A reference made in a request stands in the list of that request's births until its object dies.
Then the time of death takes its place there, and the reference is gone. If references had to wait
until the worker thread handled them, they would live for dozens of requests, and the garbage
collector would move them to its oldest generation.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any

from tracer.recorder.untimely import UntimelyDeaths

TAKEN_OVER = -1
"""`Ref.key` of a reference that `WeakRefs` took over from a finished request."""


class Ref(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that stores when and how its object died."""

    __slots__ = ("at", "births", "cls", "index", "key", "token")
    births: list[Any] | None
    """The request's births in which it stands for its object; None if it is in no such list."""
    index: int
    """Its index in `births`, unless two threads appended a birth at the same time."""
    key: int
    """Its key in `WeakRefs.by_id`, or `TAKEN_OVER`; 0 while only its request holds it."""
    token: int
    """Its object's token. This and `at` are only set if `key` is not 0."""
    cls: int
    """The number of its object's class (`tracer.recorder.classes`); 0 if it was born outside any
    request. Set like `token`."""
    at: int
    """When its object died; 0 while it lives, negative if the garbage collector freed it."""


class WeakRefs:
    """The weak references to all watched objects, at most `limit`; beyond, births are counted."""

    def __init__(
        self,
        clock: Callable[[], int],
        current: Callable[[], Any] = lambda: None,
        limit: int = 200_000,
    ) -> None:
        """`current` returns the trace of the request that runs in this thread or task, or None."""
        self.limit = limit
        self.refs: dict[int, Ref] = {}
        """Token to weak reference. Only a reference that outlives its object reports its death."""
        self.by_id: dict[int, Ref] = {}
        """Address to weak reference, for objects that are looked up when they are used."""
        self.deaths: deque[Ref] = deque()
        self.untimely = UntimelyDeaths()
        self.tokens = itertools.count(1)
        self.on_death, self.set_collection = self._death_callback(clock, current)

    def _death_callback(
        self, clock: Callable[[], int], current: Callable[[], Any]
    ) -> tuple[Callable[[Ref], None], Callable[[int, int], None]]:
        """Returns the callback of every reference here, which must do as little as possible.

        The second function returned tells the callback that a garbage collection is running: in
        which thread (0 when it is over), and when it began.
        """
        append, ident = self.deaths.append, get_ident
        ending, note_untimely = self.untimely.ending, self.untimely.note
        collecting_thread, died = 0, 0

        def set_collection(thread: int, began: int) -> None:
            nonlocal collecting_thread, died
            collecting_thread, died = thread, -began

        def on_death(ref: Ref) -> None:
            births = ref.births
            if collecting_thread and collecting_thread == ident():
                at = died
            else:
                at = clock()
                trace = current()
                if ending if trace is None else trace.births is not births:
                    note_untimely(ref, births, trace)
            if births is not None:
                index = ref.index
                try:
                    if births[index] is ref:
                        births[index] = at
                    else:
                        _replace(births, ref, at)
                except IndexError:  # a fault kept the birth from being recorded
                    pass
            # The order matters: see `_take_over`.
            if ref.key:
                ref.at = at
                append(ref)

        return on_death, set_collection

    def watch(self, obj: Any) -> tuple[int, bool]:
        """Starts watching `obj`. Return its new token and whether its death can be seen."""
        token = next(self.tokens)
        try:
            ref = Ref(obj, self.on_death)
        except TypeError:
            return token, False
        ref.births = None
        ref.token = token
        ref.at = ref.cls = 0
        ref.key = key = id(obj)
        self.refs[token] = self.by_id[key] = ref
        return token, True

    def token_of(self, obj: Any) -> int | None:
        """Returns the token of a watched object, or None. Never runs the object's own code."""
        ref = self.by_id.get(id(obj))
        return ref.token if ref is not None and ref() is obj else None

    def forget(self, token: int) -> None:
        """Stops watching an object whose end is recorded otherwise, such as a closed connection."""
        ref = self.refs.pop(token, None)
        if ref is not None and self.by_id.get(ref.key) is ref:
            self.by_id.pop(ref.key, None)

    def take_over(self, births: list[Any]) -> None:
        """Takes over the references in a finished request's births: from here on `drain` returns
        the deaths of what lives. Those of what is dead already stand in the births alone.
        """
        marks = births[::5]
        if Ref in map(type, marks):
            for place, ref in enumerate(marks):
                if type(ref) is Ref:
                    self._take_over(births, place * 5, ref)

    def _take_over(self, births: list[Any], index: int, ref: Ref) -> None:
        if not ref.key:
            ref.token, ref.cls = births[index + 1], births[index + 3]
            ref.at = 0
            # Set the key before reading the mark: a death in between is reported twice, which is
            # harmless. The other way round it would never be reported.
            ref.key = TAKEN_OVER
        if births[index] is ref:
            self.refs[ref.token] = ref
            # Or it would keep all these births alive as long as its object lives.
            ref.births = None

    def drain(self) -> list[Ref]:
        """Returns the references whose objects died, oldest first, and forget them."""
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
    """Writes a time of death where the reference is not at its index, as two births came at once.

    The reference is found by identity: comparing may run the application's own code.
    """
    for index in range(0, len(births), 5):
        if births[index] is ref:
            births[index] = at
