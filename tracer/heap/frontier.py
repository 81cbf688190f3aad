"""The walk down from the roots, in chunks, and the addresses of what it reached.

It holds only what it has still to expand. For the paths it keeps addresses: those of each chunk's
members, and which chunk they were reached from.
"""

from __future__ import annotations

import gc
import weakref
from collections import deque
from collections.abc import Callable, Container, Iterable
from functools import partial
from itertools import compress, filterfalse
from typing import Any

from tracer.heap.inside import by_address, namespace_of_module

CHUNK = 100
"""Objects expanded at once. Python's lock is held meanwhile, for about 50 microseconds."""
NO_PARENT = -1
PIECE = 2_000
"""Referents looked at at once: a chunk may contain a list of a million items."""


class Frontier:
    """Reaches objects breadth first. `seen` are the addresses of objects not to be entered."""

    def __init__(
        self,
        targets: set[int],
        modules: frozenset[int],
        seen: set[int],
        pause: Callable[[], None],
        give_up: Callable[[], bool],
    ) -> None:
        """`modules` are the addresses of the types of modules, which are asked for globals only."""
        self.targets = targets
        self.pause, self.give_up = pause, give_up
        self.seen = seen
        self.members: list[tuple[int, ...]] = []
        """The addresses in each chunk."""
        self.parents: list[int] = []
        """The number of the chunk that each chunk was reached from; of roots `NO_PARENT`."""
        self.found_at: dict[int, int] = {}
        """The address of each target that was reached, and the number of its chunk."""
        self.modules = modules
        self.later: frozenset[int] = frozenset()
        """The addresses of the types whose instances are put off."""
        self.put_off: dict[int, tuple[Callable[[], Any], int, int]] = {}
        """Address of an object that was put off to the object, its type, and its parent chunk."""
        self._waiting: deque[list[Any]] = deque()
        self._current = 0
        """The number of the chunk that is expanded."""
        seen.update(map(id, (self, vars(self), self._waiting)))

    def clear(self) -> None:
        """Lets go of every object."""
        self._waiting.clear()
        self.put_off.clear()

    def add_roots(self, objects: Iterable[Any], are_held: bool = True) -> None:
        """Adds objects to begin at. `are_held`: a target among them is found."""
        found = by_address(objects)
        fresh = list(filterfalse(self.seen.__contains__, found))
        self.seen.update(fresh)
        for start in range(0, len(fresh), CHUNK):
            piece = fresh[start : start + CHUNK]
            objects = self._in_place_of_modules([found[each] for each in piece])
            self._append(piece, objects, NO_PARENT, are_held)

    def resume(self, types: Container[int], unless: Callable[[Any], bool]) -> None:
        """Adds what was put off and is of these types, but not what `unless` is true of."""
        for address, (ref, kind, parent) in list(self.put_off.items()):
            if kind in types:
                del self.put_off[address]
                item = ref()
                if item is not None and not unless(item):
                    self._append([address], [item], parent, True)

    def run(self) -> bool:
        """Expands everything that can be reached now. Returns whether it came to the end."""
        since_pause = 0
        while self._waiting:
            chunk = self._waiting.popleft()
            since_pause += len(chunk)
            self._expand(chunk)
            chunk.clear()
            self._current += 1
            if since_pause >= CHUNK or not self._waiting:
                since_pause = 0
                self.pause()
                if self.give_up():
                    return False
        return True

    def _expand(self, chunk: list[Any]) -> None:
        referents = gc.get_referents(*chunk)
        for start in range(0, len(referents), PIECE):
            if start:
                self.pause()
            self._take(referents[start : start + PIECE])

    def _take(self, referents: list[Any]) -> None:
        tracked = list(filter(gc.is_tracked, referents))
        found = dict(zip(map(id, tracked), tracked, strict=True))
        fresh = list(filterfalse(self.seen.__contains__, found))
        if not fresh:
            return
        self.seen.update(fresh)
        objects = list(map(found.__getitem__, fresh))
        if not (self.later | self.modules).isdisjoint(map(id, map(type, objects))):
            fresh, objects = self._without_later(fresh, self._in_place_of_modules(objects))
        for start in range(0, len(fresh), CHUNK):
            end = start + CHUNK
            self._append(fresh[start:end], objects[start:end], self._current, True)

    def _without_later(self, fresh: list[int], objects: list[Any]) -> tuple[list[int], list[Any]]:
        """Puts off what is of a later kind, and returns the rest."""
        now = []
        for address, item in zip(fresh, objects, strict=True):
            kind = id(type(item))
            now.append(kind not in self.later)
            if not now[-1]:
                self.put_off[address] = (_reference(item), kind, self._current)
        return list(compress(fresh, now)), list(compress(objects, now))

    def _in_place_of_modules(self, objects: list[Any]) -> list[Any]:
        """Returns the objects, with what refers to its globals alone in place of each module."""
        return [
            (namespace_of_module(item),) if id(type(item)) in self.modules else item
            for item in objects
        ]

    def _append(
        self, addresses: list[int], objects: list[Any], parent: int, are_held: bool
    ) -> None:
        if are_held and not self.targets.isdisjoint(addresses):
            for address in self.targets.intersection(addresses):
                self.found_at.setdefault(address, len(self.members))
        self.members.append(tuple(addresses))
        self.parents.append(parent)
        self._waiting.append(objects)


def _reference(item: Any) -> Callable[[], Any]:
    """Returns a weak reference; to a traceback or a frame, which cannot have one, a plain one."""
    try:
        return weakref.ref(item)
    except TypeError:
        return partial(_same, item)


def _same(item: Any) -> Any:
    return item
