"""Finds storages, loops and contexts that no Python object holds, but Python itself does.

A thread's context is one: only the thread's state in C refers to it. Garbage is held by garbage
alone. So an object counts as loose if it has more references than Python's objects account for.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from itertools import chain, compress, repeat, starmap
from operator import call, is_not
from typing import Any

from tracer.heap import kinds
from tracer.heap.instances import contexts, instances_of_classes
from tracer.heap.kinds import Kinds

AT_ONCE = 24
"""Objects whose referrers are looked for in one look at the whole heap."""
MOST = 4 * AT_ONCE
"""Objects looked at in one walk; each look holds Python's lock for tens of milliseconds."""


class Loose:
    """The storages, loops and contexts there are, without keeping one alive."""

    def __init__(self, of: Kinds, pause: Callable[[], None]) -> None:
        pause()
        classes = of.classes(kinds.THREAD) + of.classes(kinds.LOOP)
        weak = [cls for cls in classes if cls.__weakrefoffset__]  # gevent's storages are not
        self.left = [weakref.ref(item) for item in instances_of_classes(weak)]
        """Those of which it is not known yet what holds them."""
        del classes, weak
        pause()
        self.left += [weakref.ref(item) for item in contexts() if len(item)]
        self.found: list[weakref.ref[Any]] = []

    def look(
        self, wanted: Container[int], known: Container[int], pause: Callable[[], None]
    ) -> Iterator[Any]:
        """Yields the loose objects of these types, but not those at known addresses."""
        asked: list[weakref.ref[Any]] = []
        left: list[weakref.ref[Any]] = []
        for ref in self.left:
            item = ref()
            if item is None or id(item) in known:
                continue
            (asked if id(type(item)) in wanted else left).append(ref)
            del item
        self.left = left
        for start in range(0, min(len(asked), MOST), AT_ONCE):
            pause()
            refs = asked[start : start + AT_ONCE]
            held = are_held_outside([item for item in (ref() for ref in refs) if item is not None])
            self.found += [ref for ref in refs if id(ref()) in held]
        return self.living(wanted)

    def living(self, wanted: Container[int]) -> Iterator[Any]:
        """Yields the loose objects of these types that were found and are still there."""
        for ref in self.found:
            item = ref()
            if item is not None and id(type(item)) in wanted:
                yield item


def are_held_outside(items: list[Any]) -> set[int]:
    """Returns the addresses of those that have references from outside Python's objects.

    All is counted within one call of a C function, so that no other thread changes anything.
    """
    wanted = set(map(id, items))
    found: list[Any] = []
    holders: list[Any] = []
    inner: list[int] = []
    counts: list[int] = []
    once: Iterable[list[Any]] = [holders]
    steps: tuple[Callable[[], object], ...] = (
        partial(found.extend, chain.from_iterable(starmap(gc.get_referrers, [items]))),
        # A module must not be asked for what it holds: see `inside.referents`.
        partial(
            holders.extend,
            compress(found, map(is_not, map(type, found), repeat(types.ModuleType))),
        ),
        partial(
            inner.extend,
            filter(
                wanted.__contains__, map(id, chain.from_iterable(starmap(gc.get_referents, once)))
            ),
        ),
        # Before the holders are let go: Python's own tuple of arguments can be one of them.
        partial(counts.extend, map(sys.getrefcount, items)),
        found.clear,
        holders.clear,
    )
    try:
        deque(map(call, steps), maxlen=0)
    finally:
        found.clear()
        holders.clear()
    known = Counter(inner)
    counting = 1  # the reference from `map` while it counts
    pairs = zip(map(id, items), counts, strict=True)
    return {key for key, count in pairs if count - counting > known[key]}
